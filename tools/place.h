/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_PLACE_H
#define TOOLS_PLACE_H

#include "formats/archive/archive.h"
#include "mail/dest.h"
#include "mail/endpoint.h"
#include "mail/report.h"
#include "net/url.h"
#include "tools/choose.h"
#include "tools/tool.h"

/*
 * Operands that name places: imaps://, imap://, maildir:PATH, an archive's
 * directory, a stream file, "-".  Opens each as what the command needs.
 */

enum place_kind {
	PLACE_IMAP,
	PLACE_MAILDIR,
	PLACE_ARCHIVE,
	PLACE_STREAM,		/* a file, or "-" */
};

/* What the command line says about reaching a place. */
struct place_config {
	const char	*password_command, *password_file;
	int		 password_fd;	/* -1: none */
	const char	*ca_file;
	uint32_t	 timeout;	/* seconds */
	const char	*trace;		/* file for the protocol trace */
	const char	*view;		/* of an archive: current, all, at=... */
	const char	*maker;		/* of an archive that is written; NULL: the tool */
	const char	*side;		/* what the prompt for a password calls it; or NULL */
};

#define PLACE_CONFIG_INIT	{ .password_fd = -1 }
#define PLACE_OPTS	8

/* Rows for connections and for the view into v (of PLACE_OPTS); the count. */
size_t	place_opts_net(struct place_config *, struct opt *v);
size_t	place_opts_view(struct place_config *, struct opt *v);

struct place {
	const char		*spec;		/* as given */
	enum place_kind		 kind;
	const struct place_config *config;
	struct tool		*tool;
	const struct report	*report;
	struct url		 url;
	const char		*path;
	const struct choose	*choose;
	select_fn		*select;	/* `arg` is the place; NULL: every mailbox */
	struct buf		 account;	/* as the prompt names it */
	FILE			*trace;
	struct archive		*archive;
	struct source		*source;
	struct sink		*sink;
	struct dest		*dest;
};

/*
 * Find out what an operand names, without opening it.  The strings are borrowed.  Paths that do not
 * exist: a stream where they end in .tar or .tar.zst, else an archive.
 */
int	place_init(struct place *, const char *spec, const struct place_config *,
	    struct tool *, const struct report *, struct err *);

/*
 * As far as can be told before anything is opened: whether there is something to
 * read (STATUS_NOINPUT), whether it can be written (its parent is there, a stream is not yet, the
 * name is not one of another format), and by a command that writes archives and streams only;
 * whether it is an archive (STATUS_DATA).
 */
int	place_check_in(const struct place *, struct err *);
int	place_check_out(const struct place *, bool dry, struct err *);
int	place_check_writer(const struct place *, bool dry, struct err *);
int	place_check_archive(const struct place *, struct err *);

/*
 * Open it for reading; place->source.  `need` as in endpoint.h.  Only the mailbox that its
 * URL names is read, and what was chosen (ready, outlives it; or NULL): place->select.
 * STATUS_NOINPUT where there is no such mailbox; a note where --mailbox matches nothing.
 */
int	place_open_source(struct place *, unsigned need, const struct choose *,
	    struct err *);

/* Messages in what was selected of an open source; 0 where that costs more than a list. */
uint64_t place_total(struct place *);

/*
 * Open it for writing what comes from `origin`; place->sink.  Archives and streams only
 * (STATUS_USAGE).  dry: nothing is made; where nothing is yet, all is wanted.
 */
int	place_open_sink(struct place *, const char *origin, bool dry,
	    struct err *);

/* Open it for adding to; place->dest.  IMAP and Maildir only. */
int	place_open_dest(struct place *, struct err *);

/* Open an archive as such; place->archive. */
int	place_open_archive(struct place *, enum archive_mode, struct err *);

/* Close everything that is open.  Zeroed storage is fine. */
void	place_close(struct place *);

/* Append the URL that items from here are said to come from. */
void	place_origin(struct buf *, const struct place *);

#endif
