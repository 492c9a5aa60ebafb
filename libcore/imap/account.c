/* SPDX-License-Identifier: ISC */
/* What all sessions of one endpoint share: configuration and password. */

#include "imap/account.h"

int
account_init(struct account *a, const struct imap_account *cfg,
    struct err *err)
{
	*a = (struct account){ .cfg = *cfg };
	a->sys = cfg->sys != NULL ? cfg->sys : &sys_real;
	if (cfg->url.user == NULL || cfg->url.host == NULL)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "the URL names no user");
	if ((a->secret = secret_get(&cfg->secret, cfg->url.user,
	    cfg->url.host, err)) == NULL)
		return -1;
	if (pthread_mutex_init(&a->lock, NULL) != 0) {
		secret_free(a->secret);
		a->secret = NULL;
		return err_nomem(err);
	}
	return 0;
}

void
account_fini(struct account *a)
{
	if (a->secret == NULL)
		return;
	secret_free(a->secret);
	a->secret = NULL;
	(void)pthread_mutex_destroy(&a->lock);
}

unsigned
account_number(struct account *a)
{
	unsigned n;

	(void)pthread_mutex_lock(&a->lock);
	n = ++a->connections;
	(void)pthread_mutex_unlock(&a->lock);
	return n;
}
