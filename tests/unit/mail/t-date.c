/* SPDX-License-Identifier: ISC */
/* Dates: what is read and what is not, exact writing, and the way back. */

#include "mail/date.h"

#include "check.h"

#define NZ	DATE_NO_ZONE

typedef bool	parse_fn(struct span, struct date *);

struct row {
	const char	*in;
	bool		 ok;
	int64_t		 sec;
	int		 zone;
};

static const struct row imap_rows[] = {
	{ "07-Feb-1994 22:43:04 -0800",	true,	760689784, -480 },
	{ " 7-Feb-1994 22:43:04 -0800",	true,	760689784, -480 },
	{ "7-Feb-1994 22:43:04 -0800",	true,	760689784, -480 },
	{ "17-JUL-1996 02:44:25 -0700",	true,	837596665, -420 },
	{ "01-Jan-1970 00:00:00 +0000",	true,	0, 0 },
	{ "01-Jan-1970 00:00:00",	true,	0, NZ },
	{ "01-Jan-1970 01:00:00 +0100",	true,	0, 60 },
	{ "31-Dec-1969 23:59:59 +0000",	true,	-1, 0 },
	{ "01-Jan-0001 00:00:00 +0000",	true,	-62135596800, 0 },
	{ "31-Dec-9999 23:59:59 +0000",	true,	253402300799, 0 },
	{ "31-Dec-2016 23:59:60 +0000",	true,	1483228800, 0 },
	{ "29-Feb-2000 00:00:00 +0000",	true,	951782400, 0 },
	{ "02-Jan-2006 15:04:05 +0545",	true,	1136214245 - 345 * 60, 345 },
	{ "29-Feb-1900 00:00:00 +0000",	false,	0, 0 },
	{ "00-Jan-0000 00:00:00 +0000",	false,	0, 0 },
	{ "01-Jan-0000 00:00:00 +0000",	false,	0, 0 },
	{ "31-Apr-2000 00:00:00 +0000",	false,	0, 0 },
	{ "01-Foo-2000 00:00:00 +0000",	false,	0, 0 },
	{ "01-January-2000 00:00:00 +0000", false, 0, 0 },
	{ "01-Jan-2000 24:00:00 +0000",	false,	0, 0 },
	{ "01-Jan-2000 00:60:00 +0000",	false,	0, 0 },
	{ "01-Jan-2000 00:00:61 +0000",	false,	0, 0 },
	{ "01-Jan-2000 00:00 +0000",	false,	0, 0 },
	{ "01-Jan-2000 00:00:00 +00000", false,	0, 0 },
	{ "01-Jan-2000 00:00:00 GMT",	false,	0, 0 },
	{ "01-Jan-20000 00:00:00 +0000", false,	0, 0 },
	{ "001-Jan-2000 00:00:00 +0000", false,	0, 0 },
	{ "01-Jan-2000",		false,	0, 0 },
	{ "NIL",			false,	0, 0 },
	{ "",				false,	0, 0 },
};

#define T	1136214245	/* 2006-01-02T15:04:05Z */

static const struct row header_rows[] = {
	{ "Mon, 02 Jan 2006 15:04:05 +0000",		true, T, 0 },
	{ "Mon, 2 Jan 2006 15:04:05 +0000 (UTC)",	true, T, 0 },
	{ "2 Jan 2006 15:04:05 GMT",			true, T, 0 },
	{ "2 Jan 2006 15:04:05 UT",			true, T, 0 },
	{ "2 Jan 2006 15:04:05 Z",			true, T, 0 },
	{ "2 Jan 2006 15:04 UT",			true, T - 5, 0 },
	{ "2 Jan 06 15:04:05 GMT",			true, T, 0 },
	{ "2 Jan 106 15:04:05 GMT",			true, T, 0 },
	{ "Mon, 2 Jan 2006 07:04:05 PST",		true, T, -480 },
	{ "Mon, 2 Jan 2006 11:04:05 EDT",		true, T, -240 },
	{ "Mon, 2 Jan 2006 16:04:05 CET",		true, T, 60 },
	{ "Mon, 2 Jan 2006 15:04:05 A",			true, T, NZ },
	{ "Mon, 2 Jan 2006 15:04:05 XYZZY",		true, T, NZ },
	{ "Mon, 2 Jan 2006 15:04:05 -0000",		true, T, NZ },
	{ "Mon, 2 Jan 2006 15:04:05",			true, T, NZ },
	{ "Mon, 2 Jan 2006 16:04:05 +01:00",		true, T, 60 },
	{ "Mon, 2 Jan 2006 16:04:05+0100",		true, T, 60 },
	{ "Mon, 2 Jan 2006 16:04:05 GMT+0100",		true, T, 60 },
	{ "Mon, 2 Jan 2006 16:04:05 UTC+1",		true, T, 60 },
	{ "Mon, 2 Jan 2006 16:04:05 +0100 CET",		true, T, 60 },
	{ "Mon, 2 Jan 2006 16:04:05 +0100 (a (b) c)",	true, T, 60 },
	{ "Mon (x), 2 (\\)) Jan 2006 (y) 15:04:05 +0000", true, T, 0 },
	{ "Mon,\r\n\t2 Jan 2006 15:04:05 +0000",	true, T, 0 },
	{ "Monday, January 2, 2006 15:04:05 +0000",	true, T, 0 },
	{ "Monday, 02-Jan-06 15:04:05 GMT",		true, T, 0 },
	{ "Mon Jan  2 15:04:05 2006",			true, T, NZ },
	{ "Mon Jan  2 15:04:05 GMT 2006",		true, T, 0 },
	{ "Mon Jan  2 15:04:05 MST 2006",		true, T + 7 * 3600, -420 },
	{ "Thu Apr 16 09:53:04 +0000 2015",		true, 1429177984, 0 },
	{ "2006-01-02T15:04:05Z",			true, T, 0 },
	{ "2006-01-02T15:04:05.123456789Z",		true, T, 0 },
	{ "2006-01-02T16:04:05+01:00",			true, T, 60 },
	{ "2006-01-02 15:04:05 +0000",			true, T, 0 },
	{ "2 Jan 2006 3:04:05 PM +0000",		true, T, 0 },
	{ "2 Jan 2006 12:04:05 AM +0000",		true, T - 15 * 3600, 0 },
	{ "Fri, 21 Nov 1997 09(comment): 55 : 06 -0600", false, 0, 0 },
	{ "Thu, 13 Feb 1969 23:32:54 -0330",		true, -27723426, -210 },
	{ "Mon, 2 Jan 2006 15:04:05 +9999",		true, T, NZ },
	{ "Sat, 31 Dec 2016 23:59:60 GMT",		true, 1483228800, 0 },
	{ "Sat, 31 Feb 2016 12:00:00 GMT",		false, 0, 0 },
	{ "Sat, 30 Jan 2016 25:00:00 GMT",		false, 0, 0 },
	{ "Sat, 30 Jan 0000 12:00:00 GMT",		false, 0, 0 },
	{ "Mon, 2 Jan 2006",				false, 0, 0 },
	{ "15:04:05 +0000",				false, 0, 0 },
	{ "02/01/2006 15:04:05",			false, 0, 0 },
	{ "Mon, 2 Jan 99999999999 15:04:05",		false, 0, 0 },
	{ "((((((((((",					false, 0, 0 },
	{ "))))",					false, 0, 0 },
	{ "today",					false, 0, 0 },
	{ "?, ? ??? ????",				false, 0, 0 },
	{ "",						false, 0, 0 },
};

static const struct row rfc3339_rows[] = {
	{ "2006-01-02T15:04:05Z",	true,	T, 0 },
	{ "2006-01-02t15:04:05z",	true,	T, 0 },
	{ "2006-01-02 15:04:05Z",	true,	T, 0 },
	{ "2006-01-02T15:04:05.5Z",	true,	T, 0 },
	{ "2006-01-02T16:04:05+01:00",	true,	T, 60 },
	{ "2006-01-02T15:04:05-00:00",	true,	T, NZ },
	{ "0001-01-01T00:00:00Z",	true,	-62135596800, 0 },
	{ "9999-12-31T23:59:59Z",	true,	253402300799, 0 },
	{ "2006-01-02T15:04:05",	false,	0, 0 },
	{ "2006-01-02T15:04Z",		false,	0, 0 },
	{ "2006-1-2T15:04:05Z",		false,	0, 0 },
	{ "2006-01-02T15:04:05.Z",	false,	0, 0 },
	{ "2006-01-02T15:04:05Zx",	false,	0, 0 },
	{ "2006-01-02T15:04:05+25:00",	false,	0, 0 },
	{ "2006-02-29T15:04:05Z",	false,	0, 0 },
	{ "0000-01-01T00:00:00Z",	false,	0, 0 },
	{ "",				false,	0, 0 },
};

static void
check_rows(parse_fn *parse, const struct row *rows, size_t n)
{
	struct date d;
	size_t i;
	bool ok;

	for (i = 0; i < n; i++) {
		d = (struct date){ 0, 0, false };
		ok = parse(span_str(rows[i].in), &d);
		CHECK_INT(rows[i].in, ok, rows[i].ok);
		CHECK_INT(rows[i].in, d.known, rows[i].ok);
		if (!ok)
			continue;
		CHECK_INT(rows[i].in, d.sec, rows[i].sec);
		CHECK_INT(rows[i].in, d.zone, rows[i].zone);
	}
}

static void
imap_is_read(void **state)
{
	(void)state;
	check_rows(date_parse_imap, imap_rows, N(imap_rows));
}

static void
header_is_read(void **state)
{
	(void)state;
	check_rows(date_parse_header, header_rows, N(header_rows));
}

static void
rfc3339_is_read(void **state)
{
	(void)state;
	check_rows(date_parse_rfc3339, rfc3339_rows, N(rfc3339_rows));
}

static void
writing_is_exact(void **state)
{
	static const struct {
		const char	*want;
		struct date	 d;
	} rows[] = {
		{ "07-Feb-1994 22:43:04 -0800", { 760689784, -480, true } },
		{ "01-Jan-1970 00:00:00 +0000", { 0, NZ, true } },
		{ "01-Jan-1970 05:45:00 +0545", { 0, 345, true } },
		{ "31-Dec-1969 20:30:00 -0330", { 0, -210, true } },
		{ "31-Dec-1969 23:59:59 +0000", { -1, 0, true } },
		{ "01-Jan-0001 00:00:00 +0000", { -62135596800, 0, true } },
		{ "01-Jan-0001 00:00:00 +0000", { -62135596800, -60, true } },
		{ "31-Dec-9999 23:59:59 +0000", { 253402300799, 60, true } },
		{ "31-Dec-9999 23:59:59 +0000", { INT64_MAX, 840, true } },
		{ "01-Jan-0001 00:00:00 +0000", { INT64_MIN, -840, true } },
		{ "01-Jan-1970 00:00:00 +0000", { 0, INT16_MAX, true } },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		date_put_imap(&b, &rows[i].d);
		CHECK_SPAN(rows[i].want, buf_span(&b), span_str(rows[i].want));
	}
	buf_clear(&b);
	date_put_rfc3339(&b, 1795334400);
	CHECK_SPAN("rfc3339", buf_span(&b), SPAN("2026-11-22T08:00:00Z"));
	buf_clear(&b);
	date_put_rfc3339(&b, INT64_MIN);
	CHECK_SPAN("rfc3339", buf_span(&b), SPAN("0001-01-01T00:00:00Z"));
	buf_fini(&b);
}

/* Over all years, in steps that hit every day of the month and every zone. */
static void
what_is_written_is_read(void **state)
{
	struct buf b = BUF_INIT;
	struct date d, back;
	int64_t sec;
	int zone = -1439;

	(void)state;
	for (sec = -62135500000; sec < 253402200000; sec += 86400 * 41 + 3607) {
		d = (struct date){ sec, (int16_t)zone, true };
		zone = zone == 1439 ? -1439 : zone + 1;
		buf_clear(&b);
		date_put_imap(&b, &d);
		CHECK(buf_cstr(&b), date_parse_imap(buf_span(&b), &back));
		CHECK(buf_cstr(&b), date_zone_eq(&d, &back) && back.zone == d.zone);
		CHECK(buf_cstr(&b), date_parse_header(buf_span(&b), &back));
		CHECK(buf_cstr(&b), date_eq(&d, &back));
		buf_clear(&b);
		date_put_rfc3339(&b, sec);
		CHECK(buf_cstr(&b), date_parse_rfc3339(buf_span(&b), &back));
		CHECK_INT(buf_cstr(&b), back.sec, sec);
	}
	buf_fini(&b);
}

static void
sameness(void **state)
{
	const struct date a = { 5, 60, true }, b = { 5, 0, true };
	const struct date c = { 5, NZ, true }, none = { 0, NZ, false };
	const struct date later = { 6, 60, true };

	(void)state;
	assert_true(date_eq(&a, &b));
	assert_false(date_zone_eq(&a, &b));
	assert_true(date_zone_eq(&a, &c));
	assert_true(date_zone_eq(&a, &a));
	assert_false(date_eq(&a, &later));
	assert_false(date_eq(&a, &none));
	assert_true(date_eq(&none, &none));
	assert_true(date_zone_eq(&none, &none));
}

/* Any octets, in any order: no parser may stumble. */
static void
noise_is_survived(void **state)
{
	static const char pool[] =
	    "Mon, 2 Jan 2006 15:04:05 +0100 (x\\) 1970-01-01TZ.:-/\0\xff";
	unsigned char text[48];
	uint64_t seed = 42;
	struct date d;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < 200000; i++) {
		n = check_below(&seed, sizeof(text));
		for (k = 0; k < n; k++)
			text[k] = (unsigned char)pool[check_below(&seed, sizeof(pool))];
		(void)date_parse_header(span_of(text, n), &d);
		(void)date_parse_imap(span_of(text, n), &d);
		(void)date_parse_rfc3339(span_of(text, n), &d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(imap_is_read),
		cmocka_unit_test(header_is_read),
		cmocka_unit_test(rfc3339_is_read),
		cmocka_unit_test(writing_is_exact),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(sameness),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
