/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_SEAL_H
#define ARCHIVE_SEAL_H

#include "base/sys.h"
#include "formats/archive/batch.h"
#include "formats/stream/entry.h"

/*
 * The end of a segment: from .part to a file that never changes again.
 */

struct seal {
	const char	*dir;
	struct index	*index;
	uint64_t	 number, generation;
	uint64_t	 length;	/* of the file, up to its last commit */
	struct stream_totals totals;	/* with complete and reason */
	bool		 ended;		/* its end entry is there already */
	int64_t		 now;		/* seconds */
};

/*
 * Seal the .part that is open at fd (for writing, at its end); *sha becomes
 * that of the file.
 */
int	seal_segment(const struct seal *, int fd, struct digest *sha,
	    struct err *);

#endif
