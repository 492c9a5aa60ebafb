/* SPDX-License-Identifier: ISC */
/* One regex by itself, for the options that choose mailboxes. */

#include <stdlib.h>

#include "rules/regex.h"
#include "rules/rules.h"

struct pattern {
	struct regex	*regex;
};

struct pattern *
pattern_new(const char *regex, struct err *err)
{
	struct pattern *p;
	size_t at;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	p->regex = regex_new(span_str(regex), REGEX_UTF, &at, err);
	if (p->regex == NULL) {
		err_at(err, "offset %zu", at);
		free(p);
		return NULL;
	}
	return p;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	regex_free(p->regex);
	free(p);
}

bool
pattern_match(const struct pattern *p, struct span s)
{
	struct regex_run *run;
	bool yes;

	if ((run = regex_run_new(0, NULL)) == NULL)
		return false;
	yes = regex_exec(p->regex, run, s, 0, false, NULL) == 1;
	regex_run_free(run);
	return yes;
}
