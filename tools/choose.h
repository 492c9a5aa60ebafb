/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_CHOOSE_H
#define TOOLS_CHOOSE_H

#include "mail/endpoint.h"
#include "rules/rules.h"
#include "tools/opt.h"

/* Choosing mailboxes: --mailbox, --exclude, --subscribed. */

struct choose {
	struct opt_list	 include, exclude;
	bool		 subscribed;
	struct pattern	**in, **out;	/* compiled */
};

#define CHOOSE_OPTS	3

size_t	choose_opts(struct choose *, struct opt *v);

/* Compile.  STATUS_USAGE names the regex. */
int	choose_ready(struct choose *, struct err *);
void	choose_fini(struct choose *);

/* A select_fn; `arg` is the struct choose. */
bool	choose_mailbox(void *arg, const struct mailbox *);

/* The first --mailbox that matches none of these; NULL: each matches one. */
const char *choose_idle(const struct choose *, const struct mailboxes *);

/* Whether anything was left to choose: else every mailbox is meant. */
bool	choose_any(const struct choose *);

#endif
