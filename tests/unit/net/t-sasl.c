/* SPDX-License-Identifier: ISC */
/* SASL mechanisms and base64. */

#include "net/sasl.h"

#include "../base/row.h"

#define LIT(s)	{ (const unsigned char *)("" s), sizeof(s) - 1 }

static const struct sasl_mech *
mech(const char *name)
{
	size_t i;

	for (i = 0; i < sasl_mechs_n; i++) {
		if (span_is(span_str(name), sasl_mechs[i].name))
			return &sasl_mechs[i];
	}
	fail_msg("%s: no such mechanism", name);
	return NULL;
}

static const struct row {
	const char		*name, *mech;
	struct sasl_account	 account;
	unsigned		 step;
	int			 rc;
	struct span		 out;
} rows[] = {
	{ "plain", "PLAIN", { LIT("tim"), LIT(""), LIT("tanstaaftanstaaf") }, 0, 0,
	    LIT("\0tim\0tanstaaftanstaaf") },
	{ "plain for another", "PLAIN", { LIT("Kurt"), LIT("Ursel"),
	    LIT("xipj3plmq") }, 0, 0, LIT("Ursel\0Kurt\0xipj3plmq") },
	{ "plain asked twice", "PLAIN", { LIT("a"), LIT(""), LIT("b") }, 1, -1, LIT("") },
	{ "plain with NUL", "PLAIN", { LIT("a"), LIT(""), LIT("b\0c") }, 0, -1, LIT("") },
	{ "login: user", "LOGIN", { LIT("a"), LIT(""), LIT("b") }, 0, 0, LIT("a") },
	{ "login: password", "LOGIN", { LIT("a"), LIT(""), LIT("b") }, 1, 0, LIT("b") },
	{ "login asked again", "LOGIN", { LIT("a"), LIT(""), LIT("b") }, 2, -1, LIT("") },
	{ "login for another", "LOGIN", { LIT("a"), LIT("c"), LIT("b") }, 0, -1, LIT("") },
};

static void
steps(void **state)
{
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&out);
		ROW_OK(rows[i].name, mech(rows[i].mech)->step(&rows[i].account,
		    rows[i].step, SPAN("?"), &out, &err) == rows[i].rc);
		ROW_SPAN(rows[i].name, buf_span(&out), rows[i].out);
		if (rows[i].rc == -1)
			ROW_OK(rows[i].name, err.scope == ERR_RUN &&
			    err.status == STATUS_AUTH);
	}
	assert_true(mech("PLAIN")->initial);
	assert_false(mech("LOGIN")->initial);
	buf_fini(&out);
}

/* RFC 4648 section 10, and octets that need all digits. */
static const struct pair {
	const char	*coded;
	struct span	 plain;
} pairs[] = {
	{ "", LIT("") }, { "Zg==", LIT("f") }, { "Zm8=", LIT("fo") },
	{ "Zm9v", LIT("foo") }, { "Zm9vYg==", LIT("foob") },
	{ "Zm9vYmE=", LIT("fooba") }, { "Zm9vYmFy", LIT("foobar") },
	{ "+/8=", LIT("\xfb\xff") }, { "AAAA", LIT("\0\0\0") },
};

static void
base64(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zm9", "=", "====", "Z===", "Zg==Zg==", "Zm9v=",
		"Zm-v", "Zm 9", "Zh==", "Zm9=", "Zm8=\n",
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(pairs); i++) {
		buf_clear(&b);
		base64_put(&b, pairs[i].plain);
		ROW_SPAN(pairs[i].coded, buf_span(&b), span_str(pairs[i].coded));
		buf_clear(&b);
		ROW_OK(pairs[i].coded, base64_decode(span_str(pairs[i].coded), &b));
		ROW_SPAN(pairs[i].coded, buf_span(&b), pairs[i].plain);
	}
	buf_clear(&b);
	buf_str(&b, "x");
	for (i = 0; i < N(bad); i++) {
		ROW_OK(bad[i], !base64_decode(span_str(bad[i]), &b));
		ROW_SPAN(bad[i], buf_span(&b), SPAN("x"));
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
		cmocka_unit_test(base64),
	};

	return cmocka_run_group_tests_name("sasl", tests, NULL, NULL);
}
