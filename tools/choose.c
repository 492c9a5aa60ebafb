/* SPDX-License-Identifier: ISC */
/* Which mailboxes a command works on. */

#include <stdlib.h>

#include "mail/name.h"
#include "tools/choose.h"

size_t
choose_opts(struct choose *c, struct opt *v)
{
	v[0] = (struct opt){ 'm', "mailbox", OPT_LIST, &c->include, "REGEX",
	    "only mailboxes whose name matches; may be repeated" };
	v[1] = (struct opt){ 'x', "exclude", OPT_LIST, &c->exclude, "REGEX",
	    "not these mailboxes; may be repeated" };
	v[2] = (struct opt){ 0, "subscribed", OPT_FLAG, &c->subscribed, NULL,
	    "only mailboxes that are subscribed" };
	return 3;
}

static int
compile(const struct opt_list *l, struct pattern ***out, struct err *err)
{
	size_t i;

	if (l->n == 0)
		return 0;
	if ((*out = calloc(l->n, sizeof(**out))) == NULL)
		return err_nomem(err);
	for (i = 0; i < l->n; i++) {
		if (((*out)[i] = pattern_new(l->v[i], err)) != NULL)
			continue;
		err_at(err, "--%s '%s'", l->from[i]->name, l->v[i]);
		return -1;
	}
	return 0;
}

int
choose_ready(struct choose *c, struct err *err)
{
	if (compile(&c->include, &c->in, err) == -1)
		return -1;
	return compile(&c->exclude, &c->out, err);
}

static void
drop(struct pattern **v, size_t n)
{
	size_t i;

	for (i = 0; v != NULL && i < n; i++)
		pattern_free(v[i]);
	free(v);
}

void
choose_fini(struct choose *c)
{
	drop(c->in, c->include.n);
	drop(c->out, c->exclude.n);
	opt_list_fini(&c->include);
	opt_list_fini(&c->exclude);
	c->in = c->out = NULL;
}

static bool
any_match(struct pattern *const *v, size_t n, struct span name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (pattern_match(v[i], name))
			return true;
	return false;
}

bool
choose_mailbox(void *arg, const struct mailbox *m)
{
	const struct choose *c = arg;
	struct buf name = BUF_INIT;
	struct span shown;
	bool yes;

	name_put(&name, m->name);
	shown = buf_span(&name);
	yes = (c->include.n == 0 || any_match(c->in, c->include.n, shown)) &&
	    !any_match(c->out, c->exclude.n, shown) &&
	    (!c->subscribed || m->subscribed);
	buf_fini(&name);
	return yes;
}

bool
choose_any(const struct choose *c)
{
	return c->include.n > 0 || c->exclude.n > 0 || c->subscribed;
}

const char *
choose_idle(const struct choose *c, const struct mailboxes *all)
{
	struct buf name = BUF_INIT;
	size_t i, k;

	for (i = 0; i < c->include.n; i++) {
		for (k = 0; k < all->n; k++) {
			buf_clear(&name);
			name_put(&name, all->v[k].name);
			if (pattern_match(c->in[i], buf_span(&name)))
				break;
		}
		if (k == all->n)
			break;
	}
	buf_fini(&name);
	return i == c->include.n ? NULL : c->include.v[i];
}
