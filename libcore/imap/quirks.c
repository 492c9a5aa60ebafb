/* SPDX-License-Identifier: ISC */
/* What particular servers need, told by their greeting or capabilities. */

#include "imap/quirks.h"

static const struct {
	const char	*name;
	const char	*greeting;	/* a part of it; or NULL */
	const char	*capability;	/* a whole word; or NULL */
	unsigned	 effects;
} quirks[] = {
	{ "yahoo",	NULL, "XYMHIGHESTMODSEQ", QUIRK_SHORT_LINES },
	{ "exchange 2003", "Microsoft Exchange Server 2003", NULL,
	    QUIRK_NO_NAMESPACE },
	{ "exchange",	"Microsoft Exchange", NULL, QUIRK_REWRITES },
};

static bool
has_part(struct span text, const char *part)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (span_istarts(span_from(text, i), part))
			return true;
	return false;
}

static bool
has_word(struct span list, const char *word)
{
	struct span w;

	while (span_next(&list, ' ', &w))
		if (span_iis(w, word))
			return true;
	return false;
}

unsigned
quirks_of(struct span greeting, struct span capabilities)
{
	unsigned found = 0;
	size_t i;

	for (i = 0; i < N(quirks); i++) {
		if (quirks[i].greeting != NULL &&
		    has_part(greeting, quirks[i].greeting))
			found |= quirks[i].effects;
		if (quirks[i].capability != NULL &&
		    has_word(capabilities, quirks[i].capability))
			found |= quirks[i].effects;
	}
	return found;
}
