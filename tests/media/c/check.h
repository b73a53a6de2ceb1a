/*
 * Assertions and a runner for the C tests: no library, one header.
 *
 *	static void test_what_it_promises(void) { CHECK(1 + 1 == 2); EQ(2, 1 + 1); OK(f()); ERR(EINVAL,
 * g()); } int main(int argc, char **argv) { RUN(test_what_it_promises); return check_result(); }
 *
 * A failed assertion prints file, line and values, and ends the process with status 1.
 * `test_x name` on the command line runs only that test (check_filter).
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_FAIL(...)                                         \
	do {                                                    \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
		fprintf(stderr, __VA_ARGS__);                   \
		fputc('\n', stderr);                            \
		exit(1);                                        \
	} while (0)

/* A condition holds. */
#define CHECK(cond)                                        \
	do {                                               \
		if (!(cond))                               \
			CHECK_FAIL("not true: %s", #cond); \
	} while (0)

/* Two integers are equal: EQ(expected, got). */
#define EQ(expected, got)                                                                  \
	do {                                                                               \
		const long long check_e = (long long)(expected);                           \
		const long long check_g = (long long)(got);                                \
		if (check_e != check_g)                                                    \
			CHECK_FAIL("%s: expected %lld, got %lld", #got, check_e, check_g); \
	} while (0)

/* A number lies within `tolerance` of `expected`. */
#define NEAR(expected, got, tolerance)                                                                  \
	do {                                                                                            \
		const double check_e = (double)(expected);                                              \
		const double check_g = (double)(got);                                                   \
		if (!(fabs(check_e - check_g) <= (double)(tolerance)))                                  \
			CHECK_FAIL("%s: expected %g +- %g, got %g", #got, check_e, (double)(tolerance), \
			           check_g);                                                            \
	} while (0)

/* Two strings are equal. */
#define STREQ(expected, got)                                                         \
	do {                                                                         \
		const char *check_e = (expected);                                    \
		const char *check_g = (got);                                         \
		if (!check_g || strcmp(check_e, check_g) != 0)                       \
			CHECK_FAIL("%s: expected \"%s\", got \"%s\"", #got, check_e, \
			           check_g ? check_g : "(null)");                    \
	} while (0)

/* A call returns 0; a call returns this errno. */
#define ERR(expected, call)                                                                \
	do {                                                                               \
		const int check_r = (call);                                                \
		if (check_r != (expected))                                                 \
			CHECK_FAIL("%s: expected %d (%s), got %d (%s)", #call, (expected), \
			           strerror(expected), check_r, strerror(check_r));        \
	} while (0)
#define OK(call) ERR(0, call)

/* Run one test. Set check_filter (argv[1]) to run only the test of that name. */
#define RUN(test)                                                        \
	do {                                                             \
		if (!check_filter || strcmp(check_filter, #test) == 0) { \
			test();                                          \
			check_count++;                                   \
			if (getenv("CHECK_VERBOSE"))                     \
				fprintf(stderr, "ok %s\n", #test);       \
		}                                                        \
	} while (0)

static const char *check_filter;
static unsigned check_count;

/* What main returns: 0 when at least one test ran. */
static inline int check_result(void)
{
	printf("%u tests passed\n", check_count);
	return check_count ? 0 : 1;
}

#endif
