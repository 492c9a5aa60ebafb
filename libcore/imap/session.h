/* SPDX-License-Identifier: ISC */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include "imap/account.h"
#include "imap/limits.h"
#include "imap/quirks.h"
#include "imap/resp.h"

/*
 * One connection, logged in: responses come out one by one, and what they
 * say of the session itself (capabilities, BYE, the size of the mailbox) is noted on
 * the way.  Who reads decides what the rest means: every loop over session_read() is
 * in the file that sent the commands.
 *
 * Whatever fails with ERR_SESSION has closed the connection; session_connect() makes a new one.
 */

/* Capabilities that change what we do. */
#define CAP_TABLE(X)							\
	X(CAP_LITERAL_PLUS,	"LITERAL+")				\
	X(CAP_LITERAL_MINUS,	"LITERAL-")				\
	X(CAP_STARTTLS,		"STARTTLS")				\
	X(CAP_LOGINDISABLED,	"LOGINDISABLED")			\
	X(CAP_SASL_IR,		"SASL-IR")				\
	X(CAP_ID,		"ID")					\
	X(CAP_NAMESPACE,	"NAMESPACE")				\
	X(CAP_LIST_EXTENDED,	"LIST-EXTENDED")			\
	X(CAP_LIST_STATUS,	"LIST-STATUS")				\
	X(CAP_SPECIAL_USE,	"SPECIAL-USE")				\
	X(CAP_STATUS_SIZE,	"STATUS=SIZE")				\
	X(CAP_CONDSTORE,	"CONDSTORE")				\
	X(CAP_QRESYNC,		"QRESYNC")				\
	X(CAP_OBJECTID,		"OBJECTID")				\
	X(CAP_GMAIL,		"X-GM-EXT-1")

enum cap {
#define X(id, name) id,
	CAP_TABLE(X)
#undef X
	CAP_COUNT,
};

enum namespace_kind {
	NAMESPACE_PERSONAL,
	NAMESPACE_OTHERS,
	NAMESPACE_SHARED,
};

struct namespace {
	enum namespace_kind	kind;
	char			delimiter;	/* 0: none */
	struct buf		prefix;		/* as on the wire */
};

/* What is known of the mailbox that is open (select.h fills it in). */
struct selected {
	bool		open;
	bool		writable;
	uint32_t	uidvalidity, uidnext;	/* 0: not told */
	uint64_t	modseq;			/* 0: not told, or NOMODSEQ */
	bool		told_exists;
	uint64_t	exists;			/* as of now */
	bool		told_permanent;
	struct buf	flags;			/* FLAGS, canonical */
	struct buf	permanent;		/* PERMANENTFLAGS, canonical */
	bool		any;			/* "\*" is among them */
	struct buf	id;			/* MAILBOXID */
};

struct session;

/*
 * Asked for each literal, with the response before it: 1 and the octets were
 * read off s->conn; 0: it is to become part of the response; -1.
 */
typedef int	literal_fn(void *arg, struct session *, struct span before,
		    uint64_t size, struct err *);

struct session {
	struct account	*acct;
	bool		 readonly;	/* command.h refuses all that writes */

	struct conn	*conn;		/* NULL: not connected */
	struct wire	*wire;
	unsigned	 number;	/* of the connection, for the trace */
	bool		 ready;		/* logged in */
	bool		 hush;		/* logging in: secrets may be echoed */

	uint64_t	 caps;		/* 1 << enum cap */
	struct buf	 captext;	/* the whole list, for AUTH= */
	bool		 news;		/* capabilities were told since it was cleared */
	uint64_t	 appendlimit;	/* 0: none told */
	unsigned	 quirks;
	struct namespace ns[LIMIT_NAMESPACES];
	size_t		 nns;

	uint32_t	 tag;		/* the last one given out */
	size_t		 outstanding;	/* commands without their end */
	bool		 selecting;	/* between SELECT and its end */
	struct selected	 sel;

	literal_fn	*literal;	/* NULL: all become part */
	void		*literal_arg;

	int64_t		 wait;		/* that the server asked for, ns */
	unsigned	 failures;	/* since session_progress() */
};

typedef int	untagged_fn(void *arg, struct session *, struct resp *,
		    struct err *);

/* NULL: failure.  Not connected yet. */
struct session	*session_new(struct account *, bool readonly, struct err *);
void		 session_free(struct session *);	/* LOGOUT is sent, not awaited */

/*
 * Connect, TLS, log in, learn namespaces.  Once; what may pass by itself is ERR_SESSION.
 */
int		 session_connect(struct session *, struct err *);
void		 session_drop(struct session *);
static inline bool
session_alive(const struct session *s)
{
	return s->conn != NULL && s->ready;
}

/*
 * session_connect() again and again until it is there: with backoff, as long as the
 * server asks for, and ERR_RUN after `retries` failures without session_progress().  *why is
 * what happened before, for the message.
 */
int		 session_again(struct session *, const struct err *why,
		    struct err *);
void		 session_progress(struct session *);

static inline bool
session_can(const struct session *s, enum cap c)
{
	return (s->caps >> c & 1) != 0;
}

/* Whether the list of capabilities has this word. */
bool		 session_offers(const struct session *, const char *);

/*
 * The next response; what was queued is sent before it waits.  BYE is ERR_SESSION.
 */
int		 session_read(struct session *, struct resp *, struct err *);

/* Read until no command is outstanding; `fn` (or NULL) gets untagged data. */
int		 session_drain(struct session *, untagged_fn *, void *arg,
		    struct err *);

/* Drain, throwing literals away instead of keeping them. */
int		 session_discard(struct session *, struct err *);

/* Take `size` octets of a literal off the connection and drop them. */
int		 session_skip(struct session *, uint64_t size, struct err *);

/* What to put before a line of the trace: "C" or "S". */
void		 session_trace(const struct session *, char who, struct span line);

#endif
