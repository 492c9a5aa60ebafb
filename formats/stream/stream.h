/* SPDX-License-Identifier: ISC */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "base/sys.h"
#include "mail/endpoint.h"
#include "mail/report.h"

/*
 * A stream as a place: the source that reads one and the sink that writes one.
 */

struct stream_config {
	const char		*name;		/* for messages: "-" or the path */
	const char		*origin;	/* sink: URL of what goes in */
	const char		*program;	/* sink: "mx-dump 1" */
	int			 level;		/* sink: zstd's, 0 for plain tar */
	const struct sys	*sys;
	const struct report	*report;
};

/*
 * Read a stream from fd, which the source closes, also where NULL is returned;
 * until its head has come this waits.  `need` as in endpoint.h:
 * key and ident come with the octets, which are read ahead a window of at most
 * 4 MiB at a time; every item is delivered with item.body set.  One cursor only.
 * A mailbox may come more than once.  Damage or a cut: what came before is delivered, then
 * ERR_RUN STATUS_DATA.
 *
 * How completely a mailbox was seen stands at the end of a stream, too late for
 * cursor_ops.finish, which says SCOPE_PARTIAL: from what is not in a stream
 * nothing is concluded while it is read.
 */
struct source	*stream_source(int fd, const struct stream_config *,
		    unsigned need, struct err *);

/*
 * What the stream says, once its end was reached, of how much of a source's
 * mailbox was seen.  False: it does not say.
 */
bool		 stream_scope(const struct source *, struct span mailbox,
		    enum scope *);

/*
 * Write a stream to fd, which the sink closes, also where NULL is returned.  Lanes build their pieces
 * apart; each commit is flushed.  Without a good end() the stream has no
 * end entry, and readers say so.
 */
struct sink	*stream_sink(int fd, const struct stream_config *, struct err *);

#endif
