/* SPDX-License-Identifier: ISC */
/*
 * Dates in and out, by arithmetic on the proleptic Gregorian calendar: no
 * libc, so no locale and no zone of this machine has a say.
 */

#include <string.h>

#include "mail/date.h"

#define DAY		INT64_C(86400)
#define YEAR_MAX	9999
#define TOKENS_MAX	24	/* of a Date field; real ones have under ten */
#define FIELD_MAX	4096	/* octets of one that are looked at */

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z */
#define SEC_MIN		INT64_C(-62135596800)
#define SEC_MAX		INT64_C(253402300799)

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char weekdays[] = "montuewedthufrisatsun";
static const char months_shown[][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

/* Named zones of RFC 5322 section 4.3, and those that are met besides. */
static const struct zone_name {
	char	name[5];
	int16_t	minutes;
} zone_names[] = {
	{ "ut", 0 }, { "utc", 0 }, { "gmt", 0 }, { "z", 0 }, { "wet", 0 },
	{ "est", -300 }, { "edt", -240 }, { "cst", -360 }, { "cdt", -300 },
	{ "mst", -420 }, { "mdt", -360 }, { "pst", -480 }, { "pdt", -420 },
	{ "bst", 60 }, { "cet", 60 }, { "met", 60 }, { "west", 60 },
	{ "cest", 120 }, { "mest", 120 }, { "eet", 120 }, { "eest", 180 },
	{ "msk", 180 }, { "msd", 240 }, { "jst", 540 }, { "kst", 540 },
};

/* A date as it is put together from its parts; -1: not seen yet. */
struct parts {
	int	year, month, day;
	int	hour, min, sec;
	int	zone;		/* minutes east, or DATE_NO_ZONE */
	bool	zone_seen;
	bool	pm, am;
};

#define PARTS_INIT	{ -1, -1, -1, -1, -1, -1, DATE_NO_ZONE, false, false, false }

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- the calendar ---- */

/* Days from 1970-01-01, by the era of 400 years, which start in March. */
static int64_t
days_of(int year, int month, int day)
{
	const int64_t y = year - (month <= 2 ? 1 : 0);
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t yoe = y - era * 400;
	const int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
civil_of(int64_t days, int *year, int *month, int *day)
{
	const int64_t z = days + 719468;
	const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	const int64_t doe = z - era * 146097;
	const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

static int
month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* Two-digit years and three-digit ones, RFC 5322 section 4.3. */
static int
year_of(int n, size_t digits)
{
	if (digits <= 2)
		return n < 50 ? n + 2000 : n + 1900;
	return digits == 3 ? n + 1900 : n;
}

/* All parts into an instant; false where they name none. */
static bool
parts_end(const struct parts *p, struct date *out)
{
	int64_t sec;
	int hour = p->hour;

	if ((p->pm || p->am) && (hour < 1 || hour > 12))
		return false;
	if (p->pm || p->am)
		hour = hour % 12 + (p->pm ? 12 : 0);
	if (p->year < 1 || p->year > YEAR_MAX || p->month < 1 || p->month > 12 ||
	    p->day < 1 || p->day > month_days(p->year, p->month))
		return false;
	if (hour < 0 || hour > 23 || p->min < 0 || p->min > 59 ||
	    p->sec < 0 || p->sec > 60)
		return false;
	sec = days_of(p->year, p->month, p->day) * DAY +
	    hour * 3600 + p->min * 60 + p->sec;
	if (p->zone != DATE_NO_ZONE)
		sec -= (int64_t)p->zone * 60;
	out->sec = sec;
	out->zone = (int16_t)p->zone;
	out->known = true;
	return true;
}

/* ---- small pieces of text ---- */

/* A number of min to max digits off the front; its digits, 0 for none. */
static size_t
take_number(struct span *s, size_t min, size_t max, int *out)
{
	size_t n = 0;
	int v = 0;

	while (n < s->n && n < max && is_digit(s->p[n]))
		v = v * 10 + (s->p[n++] - '0');
	if (n < min || n == 0 || (n < s->n && is_digit(s->p[n])))
		return 0;
	*out = v;
	*s = span_from(*s, n);
	return n;
}

static bool
take_char(struct span *s, unsigned char c)
{
	if (s->n == 0 || ascii_lower(s->p[0]) != c)
		return false;
	*s = span_from(*s, 1);
	return true;
}

/* The place, from 1, of these three letters in a table of such; 0: none. */
static int
find_three(const char *table, struct span s)
{
	const char *t;
	int i;

	if (s.n < 3)
		return 0;
	for (t = table, i = 1; *t != '\0'; t += 3, i++)
		if (ascii_lower(s.p[0]) == (unsigned char)t[0] &&
		    ascii_lower(s.p[1]) == (unsigned char)t[1] &&
		    ascii_lower(s.p[2]) == (unsigned char)t[2])
			return i;
	return 0;
}

/* A month by exactly three letters off the front. */
static bool
take_month(struct span *s, int *month)
{
	if ((*month = find_three(months, *s)) == 0)
		return false;
	*s = span_from(*s, 3);
	return true;
}

/*
 * "+hhmm" or, where asked for, "+hh:mm", off the front.  Hours that no clock
 * has leave the zone unknown.
 */
static bool
take_offset(struct span *s, bool colon, int *zone)
{
	struct span t = *s;
	int hour, min, v;

	if (t.n == 0 || (t.p[0] != '+' && t.p[0] != '-'))
		return false;
	t = span_from(t, 1);
	if (take_number(&t, 4, 4, &v) != 0) {
		hour = v / 100;
		min = v % 100;
	} else if (!colon || take_number(&t, 1, 2, &hour) == 0) {
		return false;
	} else if (!take_char(&t, ':')) {
		min = 0;
	} else if (take_number(&t, 2, 2, &min) == 0) {
		return false;
	}
	*zone = hour * 60 + min;
	if (hour > 23 || min > 59)
		*zone = DATE_NO_ZONE;
	else if (s->p[0] == '-')
		*zone = -*zone;
	*s = t;
	return true;
}

/* A fraction of a second, if there is one; nobody needs it. */
static void
skip_fraction(struct span *s)
{
	size_t n = 1;

	if (s->n < 2 || (s->p[0] != '.' && s->p[0] != ',') || !is_digit(s->p[1]))
		return;
	while (n < s->n && is_digit(s->p[n]))
		n++;
	*s = span_from(*s, n);
}

/* "hh:mm" and perhaps ":ss", the fraction passed over. */
static bool
take_time(struct span *s, bool need_sec, struct parts *p)
{
	if (take_number(s, 1, 2, &p->hour) == 0 || !take_char(s, ':') ||
	    take_number(s, 1, 2, &p->min) == 0)
		return false;
	p->sec = 0;
	if (!take_char(s, ':'))
		return !need_sec;
	if (take_number(s, 1, 2, &p->sec) == 0)
		return false;
	skip_fraction(s);
	return true;
}

/* ---- INTERNALDATE ---- */

bool
date_parse_imap(struct span in, struct date *out)
{
	struct parts p = PARTS_INIT;
	struct span s = span_trim(in);

	if (take_number(&s, 1, 2, &p.day) == 0 || !take_char(&s, '-') ||
	    !take_month(&s, &p.month) || !take_char(&s, '-') ||
	    take_number(&s, 4, 4, &p.year) == 0 || !take_char(&s, ' '))
		return false;
	s = span_trim(s);
	if (!take_time(&s, true, &p))
		return false;
	s = span_trim(s);
	if (s.n > 0 && !take_offset(&s, false, &p.zone))
		return false;
	return s.n == 0 && parts_end(&p, out);
}

/* Within the years that four digits can write. */
static int64_t
clamp(int64_t sec)
{
	if (sec < SEC_MIN)
		return SEC_MIN;
	return sec > SEC_MAX ? SEC_MAX : sec;
}

/* Split an instant; floors, so that times before 1970 are right. */
static void
split(int64_t sec, struct parts *p)
{
	int64_t days = sec / DAY, rest = sec % DAY;

	if (rest < 0) {
		rest += DAY;
		days--;
	}
	civil_of(days, &p->year, &p->month, &p->day);
	p->hour = (int)(rest / 3600);
	p->min = (int)(rest / 60 % 60);
	p->sec = (int)(rest % 60);
}

void
date_put_imap(struct buf *out, const struct date *d)
{
	struct parts p = PARTS_INIT;
	int64_t sec = clamp(d->sec), local;
	int zone = d->zone == DATE_NO_ZONE ? 0 : d->zone;

	local = sec + (int64_t)zone * 60;
	if (local != clamp(local) || zone <= -24 * 60 || zone >= 24 * 60) {
		zone = 0;
		local = sec;
	}
	split(local, &p);
	buf_fmt(out, "%02d-%s-%04d %02d:%02d:%02d %c%02d%02d", p.day,
	    months_shown[p.month - 1], p.year, p.hour, p.min, p.sec,
	    zone < 0 ? '-' : '+', (zone < 0 ? -zone : zone) / 60,
	    (zone < 0 ? -zone : zone) % 60);
}

/* ---- the Date field ---- */

static bool
is_separator(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' ||
	    c == '(' || c == ')' || c == ';' || c == '"';
}

/* The next word, comments (which nest) left out.  False at the end. */
static bool
take_token(struct span *s, struct span *token)
{
	size_t depth = 0, i = 0, n;

	for (; i < s->n && (depth > 0 || is_separator(s->p[i])); i++) {
		if (s->p[i] == '\\' && depth > 0)
			i++;
		else if (s->p[i] == '(')
			depth++;
		else if (s->p[i] == ')' && depth > 0)
			depth--;
	}
	if (i >= s->n)
		return false;
	*s = span_from(*s, i);
	for (n = 0; n < s->n && !is_separator(s->p[n]); n++)
		;
	*token = span_head(*s, n);
	*s = span_from(*s, n);
	return true;
}

/* A zone by name, or with an offset behind it as "GMT+0100". */
static bool
zone_word(struct span t, struct parts *p)
{
	struct span rest, name;
	size_t i, n;

	for (n = 0; n < t.n && is_alpha(t.p[n]); n++)
		;
	name = span_head(t, n);
	rest = span_from(t, n);
	p->zone_seen = true;
	for (i = 0; i < N(zone_names); i++)
		if (span_iis(name, zone_names[i].name))
			break;
	if (i < N(zone_names))
		p->zone = zone_names[i].minutes;
	if (rest.n > 0 && i < N(zone_names) && zone_names[i].minutes == 0)
		return take_offset(&rest, true, &p->zone) && rest.n == 0;

	/* Others, the military ones too, say nothing (RFC 5322, 4.3). */
	return true;
}

static bool
alpha_word(struct span t, struct parts *p)
{
	const int month = find_three(months, t);

	if (span_iis(t, "am") || span_iis(t, "pm")) {
		p->pm = ascii_lower(t.p[0]) == 'p';
		p->am = !p->pm;
		return true;
	}
	if (p->month == -1 && month != 0) {
		p->month = month;
		return true;
	}
	if (p->hour == -1 && p->zone == DATE_NO_ZONE)
		return find_three(weekdays, t) != 0;
	if (p->hour != -1 && !p->zone_seen)
		return zone_word(t, p);
	return p->hour != -1;
}

/* "2006-01-02" with perhaps "T15:04:05Z" behind, or "2-Jan-2006". */
static bool
dashed_word(struct span t, struct parts *p)
{
	struct span s = t;
	size_t digits;

	if (take_number(&s, 4, 4, &p->year) != 0)
		return take_char(&s, '-') && take_number(&s, 1, 2, &p->month) != 0 &&
		    take_char(&s, '-') && take_number(&s, 1, 2, &p->day) != 0 &&
		    (s.n == 0 || (take_char(&s, 't') && take_time(&s, false, p) &&
		    (s.n == 0 || take_offset(&s, true, &p->zone) ||
		    zone_word(s, p))));
	if (take_number(&s, 1, 2, &p->day) == 0 || !take_char(&s, '-') ||
	    !take_month(&s, &p->month) || !take_char(&s, '-') ||
	    (digits = take_number(&s, 2, 4, &p->year)) == 0)
		return false;
	p->year = year_of(p->year, digits);
	return s.n == 0;
}

static bool
time_word(struct span s, struct parts *p)
{
	if (!take_time(&s, false, p))
		return false;
	if (s.n == 0)
		return true;
	p->zone_seen = true;
	return take_offset(&s, true, &p->zone) ? s.n == 0 : alpha_word(s, p);
}

static bool
number_word(struct span s, struct parts *p)
{
	size_t digits;
	int v;

	if ((digits = take_number(&s, 1, 4, &v)) == 0)
		return false;
	while (s.n > 0 && s.p[0] == '.')
		s = span_from(s, 1);
	if (s.n > 0)
		return false;
	if (p->day == -1 && digits <= 2)
		p->day = v;
	else if (p->year == -1 && digits >= 2)
		p->year = year_of(v, digits);
	else
		return false;
	return true;
}

static bool
any_word(struct span t, struct parts *p)
{
	if (is_alpha(t.p[0]))
		return alpha_word(t, p);
	if (t.p[0] == '+' || t.p[0] == '-') {
		if (p->zone_seen || p->hour == -1)
			return p->hour != -1;
		p->zone_seen = true;
		if (span_is(t, "-0000"))
			return true;
		return take_offset(&t, true, &p->zone) && t.n == 0;
	}
	if (!is_digit(t.p[0]))
		return false;
	if (span_find(t, '-') < t.n && span_find(t, '-') < span_find(t, ':'))
		return p->day == -1 && p->month == -1 && dashed_word(t, p);
	if (span_find(t, ':') < t.n)
		return p->hour == -1 && time_word(t, p);
	return number_word(t, p);
}

/*
 * Words in nearly any order, since asctime and ISO 8601 are met as well.
 * Once day and time are there, what follows may be anything.
 */
bool
date_parse_header(struct span in, struct date *out)
{
	struct parts p = PARTS_INIT;
	struct span s = span_head(in, FIELD_MAX), token;
	size_t i;

	for (i = 0; i < TOKENS_MAX && take_token(&s, &token); i++) {
		if (any_word(token, &p))
			continue;
		if (p.year == -1 || p.day == -1 || p.hour == -1)
			return false;
		break;
	}
	return parts_end(&p, out);
}

/* ---- RFC 3339 ---- */

void
date_put_rfc3339(struct buf *out, int64_t sec)
{
	struct parts p = PARTS_INIT;

	split(clamp(sec), &p);
	buf_fmt(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", p.year, p.month, p.day,
	    p.hour, p.min, p.sec);
}

bool
date_parse_rfc3339(struct span in, struct date *out)
{
	struct parts p = PARTS_INIT;
	struct span s = in;

	if (take_number(&s, 4, 4, &p.year) == 0 || !take_char(&s, '-') ||
	    take_number(&s, 2, 2, &p.month) == 0 || !take_char(&s, '-') ||
	    take_number(&s, 2, 2, &p.day) == 0 ||
	    (!take_char(&s, 't') && !take_char(&s, ' ')) ||
	    !take_time(&s, true, &p))
		return false;
	if (span_is(s, "-00:00"))
		return parts_end(&p, out);
	if (take_char(&s, 'z'))
		p.zone = 0;
	else if (!take_offset(&s, true, &p.zone) || p.zone == DATE_NO_ZONE)
		return false;
	return s.n == 0 && parts_end(&p, out);
}

bool
date_eq(const struct date *a, const struct date *b)
{
	return a->known == b->known && (!a->known || a->sec == b->sec);
}

bool
date_zone_eq(const struct date *a, const struct date *b)
{
	return date_eq(a, b) && (!a->known || a->zone == DATE_NO_ZONE ||
	    b->zone == DATE_NO_ZONE || a->zone == b->zone);
}
