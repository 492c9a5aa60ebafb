/* SPDX-License-Identifier: ISC */
/* SASL mechanisms: what the client says at each step. */

#include "net/sasl.h"

static int
too_much(const char *name, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_AUTH,
	    "%s: the server asks for more than the mechanism has", name);
}

/*
 * RFC 4616 section 2:
 *
 *	message = [authzid] UTF8NUL authcid UTF8NUL passwd
 */
static int
plain_step(const struct sasl_account *a, unsigned step, struct span challenge,
    struct buf *out, struct err *err)
{
	(void)challenge;	/* empty, where the server follows the RFC */
	if (step > 0)
		return too_much("PLAIN", err);
	if (span_find(a->authzid, '\0') < a->authzid.n ||
	    span_find(a->user, '\0') < a->user.n ||
	    span_find(a->password, '\0') < a->password.n)
		return err_set(err, ERR_RUN, STATUS_AUTH,
		    "PLAIN: a NUL in the user name or the password");
	buf_put(out, a->authzid);
	buf_chr(out, '\0');
	buf_put(out, a->user);
	buf_chr(out, '\0');
	buf_put(out, a->password);
	return buf_ok(out) ? 0 : err_nomem(err);
}

/*
 * LOGIN (draft-murchison-sasl-login): the name, then the password.  What
 * the challenges say differs from server to server and means nothing.
 */
static int
login_step(const struct sasl_account *a, unsigned step, struct span challenge,
    struct buf *out, struct err *err)
{
	(void)challenge;
	if (step > 1)
		return too_much("LOGIN", err);
	if (a->authzid.n > 0 && !span_eq(a->authzid, a->user))
		return err_set(err, ERR_RUN, STATUS_AUTH,
		    "LOGIN: the mechanism cannot act for another user");
	buf_put(out, step == 0 ? a->user : a->password);
	return buf_ok(out) ? 0 : err_nomem(err);
}

const struct sasl_mech sasl_mechs[] = {
	{ "PLAIN",	true,	plain_step },
	{ "LOGIN",	false,	login_step },
};
const size_t sasl_mechs_n = N(sasl_mechs);
