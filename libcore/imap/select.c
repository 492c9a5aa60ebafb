/* SPDX-License-Identifier: ISC */
/* Opening a mailbox, and what servers leave out when they do. */

#include "imap/utf7.h"

#include "imap/list.h"
#include "imap/select.h"

bool
select_name(const struct mailbox *mb, struct buf *raw)
{
	buf_clear(raw);
	if (mb->raw.n > 0) {
		buf_put(raw, mb->raw);
		return buf_ok(raw);
	}
	return imap_name_wire(raw, mb->name, mb->delimiter) && buf_ok(raw);
}

static void
forget(struct session *s)
{
	s->sel.open = false;
	s->sel.uidvalidity = s->sel.uidnext = 0;
	s->sel.modseq = s->sel.exists = 0;
	s->sel.told_permanent = s->sel.any = s->sel.told_exists = false;
	buf_clear(&s->sel.flags);
	buf_clear(&s->sel.permanent);
	buf_clear(&s->sel.id);
}

/*
 * Courier gives no UIDNEXT, others no UIDVALIDITY: STATUS knows both.  It is
 * not meant for the open mailbox, but no other way is left.
 */
static int
ask_status(struct session *s, struct span raw, struct err *err)
{
	struct list_status st = { .messages = 0 };

	if (list_status(s, raw, "(UIDNEXT UIDVALIDITY)", &st, err) == -1)
		return -1;
	if (s->sel.uidnext == 0)
		s->sel.uidnext = st.uidnext;
	if (s->sel.uidvalidity == 0)
		s->sel.uidvalidity = st.uidvalidity;
	return 0;
}

int
select_open(struct session *s, struct span raw, struct resp *end,
    struct err *err)
{
	struct command c = { .text = BUF_INIT };
	int rc = -1;

	if (session_discard(s, err) == -1)
		return -1;
	forget(s);
	if (command_begin(&c, s, s->readonly ? VERB_EXAMINE : VERB_SELECT,
	    err) == -1)
		goto out;
	command_string(&c, raw);
	if (session_can(s, CAP_CONDSTORE) || session_can(s, CAP_QRESYNC))
		command_text(&c, "(CONDSTORE)");
	s->selecting = true;
	if (command_run(&c, NULL, NULL, end, err) == -1)
		goto out;
	s->selecting = false;
	s->sel.open = end->cond == RESP_OK;
	s->sel.writable = s->sel.open && !s->readonly &&
	    !span_iis(end->code, "READ-ONLY");
	if (s->sel.open && !s->sel.told_exists) {
		/* Taken for empty, all in it would be gone, or be added again. */
		s->sel.open = false;
		err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "the server does not say how many messages there are");
		goto out;
	}
	rc = 0;
	if (s->sel.open && (s->sel.uidnext == 0 || s->sel.uidvalidity == 0))
		rc = ask_status(s, raw, err);
out:
	s->selecting = false;
	command_fini(&c);
	return rc;
}
