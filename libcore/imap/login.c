/* SPDX-License-Identifier: ISC */
/* AUTHENTICATE and LOGIN (RFC 9051 section 6.2). */

#include <stdio.h>
#include <string.h>

#include "net/sasl.h"

#include "imap/command.h"
#include "imap/login.h"

static struct sasl_account
sasl_account_of(const struct session *s)
{
	return (struct sasl_account){
		.user = span_str(s->acct->cfg.url.user),
		.password = secret_span(s->acct->secret),
	};
}

/* Room enough for what is put in, so that growing leaves no copies behind. */
static void
reserve(const struct session *s, struct buf *b)
{
	(void)buf_room(b, 2 * (secret_span(s->acct->secret).n +
	    span_str(s->acct->cfg.url.user).n) + 256);
}

/* A refusal.  A server that is only busy does not say that the password is wrong. */
static int
refused(const struct session *s, const struct resp *end, struct err *err)
{
	const struct span password = secret_span(s->acct->secret);
	struct resp shown = *end;
	int64_t wait;
	size_t i;

	for (i = 0; password.n > 0 && i + password.n <= shown.text.n; i++)
		if (memcmp(shown.text.p + i, password.p, password.n) == 0)
			shown.text = SPAN("(a text that repeats the password)");
	switch (resp_class(&shown, &wait)) {
	case CLASS_THROTTLE:
	case CLASS_LATER:
		return resp_fail(err, ERR_SESSION, &shown, "login");
	case CLASS_OTHER:
	case CLASS_QUOTA:
	case CLASS_TOO_BIG:
	case CLASS_AUTH:
	case CLASS_ABSENT:
	case CLASS_EXISTS:
		break;
	}
	return err_set(err, ERR_RUN, STATUS_AUTH,
	    "%s: the server refused the login: %s %.*s",
	    s->acct->cfg.url.user, resp_cond_name(shown.cond),
	    SPAN_ARG(span_head(shown.text, 500)));
}

/* One answer of the mechanism, as a line of its own. */
static int
answer(struct session *s, const struct sasl_mech *mech, unsigned step,
    struct span challenge, struct err *err)
{
	const struct sasl_account who = sasl_account_of(s);
	struct buf plain = BUF_INIT, line = BUF_INIT, asked = BUF_INIT;
	int rc = -1;

	if (!base64_decode(challenge, &asked)) {
		err_set(err, ERR_RUN, STATUS_AUTH,
		    "the server's challenge is no base64");
		goto out;
	}
	reserve(s, &plain);
	reserve(s, &line);
	if (mech->step(&who, step, buf_span(&asked), &plain, err) == -1)
		goto out;
	base64_put(&line, buf_span(&plain));
	buf_str(&line, "\r\n");
	if (!buf_ok(&line) || !buf_ok(&plain) || !buf_ok(&asked)) {
		err_nomem(err);
		goto out;
	}
	session_trace(s, 'C', SPAN("[secret]"));
	if (conn_put(s->conn, buf_span(&line), err) == -1)
		goto out;
	rc = 0;
out:
	buf_fini(&asked);
	secret_wipe(&plain);
	secret_wipe(&line);
	return rc;
}

/* Put the first answer into the command (SASL-IR, RFC 4959). */
static int
put_initial(struct command *c, const struct sasl_mech *mech, struct err *err)
{
	const struct sasl_account who = sasl_account_of(c->s);
	struct buf plain = BUF_INIT;
	int rc;

	command_secret(c);
	reserve(c->s, &plain);
	reserve(c->s, &c->text);
	rc = mech->step(&who, 0, SPAN_NONE, &plain, err);
	if (rc == 0) {
		buf_chr(&c->text, ' ');
		if (plain.n == 0)
			buf_chr(&c->text, '=');
		base64_put(&c->text, buf_span(&plain));
	}
	secret_wipe(&plain);
	return rc;
}

static int
authenticate(struct session *s, const struct sasl_mech *mech, struct err *err)
{
	const bool initial = mech->initial && session_can(s, CAP_SASL_IR);
	struct command c = { .text = BUF_INIT };
	struct resp r;
	unsigned step = initial ? 1 : 0;
	int rc = -1;

	if (command_begin(&c, s, VERB_AUTHENTICATE, err) == -1)
		goto out;
	command_text(&c, mech->name);
	if (initial && put_initial(&c, mech, err) == -1)
		goto out;
	if (command_send(&c, &r, err) == -1)
		goto out;
	for (;;) {
		if (session_read(s, &r, err) == -1)
			goto out;
		if (r.type == RESP_TAGGED && r.tag == c.tag)
			break;
		if (r.type != RESP_MORE)
			continue;
		if (step > LIMIT_SASL_STEPS) {
			err_set(err, ERR_RUN, STATUS_AUTH,
			    "the server's challenges do not end");
			goto out;
		}
		if (answer(s, mech, step++, r.text, err) == -1)
			goto out;
	}
	rc = r.cond == RESP_OK ? 0 : refused(s, &r, err);
out:
	secret_wipe(&c.text);
	return rc;
}

static int
login_command(struct session *s, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	if (command_begin(&c, s, VERB_LOGIN, err) == -1)
		goto out;
	command_secret(&c);
	reserve(s, &c.text);
	command_string(&c, span_str(s->acct->cfg.url.user));
	command_string(&c, secret_span(s->acct->secret));
	if (command_run(&c, NULL, NULL, &end, err) == -1)
		goto out;
	rc = end.cond == RESP_OK ? 0 : refused(s, &end, err);
out:
	secret_wipe(&c.text);
	return rc;
}

int
login_run(struct session *s, struct err *err)
{
	char word[64];
	size_t i;

	for (i = 0; i < sasl_mechs_n; i++) {
		(void)snprintf(word, sizeof(word), "AUTH=%s",
		    sasl_mechs[i].name);
		if (session_offers(s, word))
			return authenticate(s, &sasl_mechs[i], err);
	}
	if (session_can(s, CAP_LOGINDISABLED))
		return err_set(err, ERR_RUN, STATUS_AUTH,
		    "the server does not allow logins by password here "
		    "(LOGINDISABLED), and offers no mechanism that is known");
	return login_command(s, err);
}
