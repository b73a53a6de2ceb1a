/*
 * Memory limits: the allocator that gives up after n blocks.
 *
 * Include it in one test file. WITH_MEMORY_LIMITS(call) runs a call that returns an errno with
 * n = 0, 1, 2 … blocks until it succeeds; each failure must be ENOMEM. Under sanitizers, which bring
 * their own malloc, the call runs once without limits.
 */
#ifndef TEST_ALLOC_H
#define TEST_ALLOC_H

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "check.h"

static atomic_int alloc_left = INT_MAX;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALLOC_LIMITS 1

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);

static inline int alloc_granted(void)
{
	int left = atomic_load(&alloc_left);

	while (left != INT_MAX) {
		if (left <= 0) {
			errno = ENOMEM;
			return 0;
		}
		if (atomic_compare_exchange_weak(&alloc_left, &left, left - 1))
			return 1;
	}
	return 1;
}

void *malloc(size_t size)
{
	return alloc_granted() ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
	return alloc_granted() ? __libc_calloc(count, size) : NULL;
}
#else
#define ALLOC_LIMITS 0
#endif

#define WITH_MEMORY_LIMITS(call)                                                     \
	do {                                                                         \
		int alloc_err = ENOMEM;                                              \
		for (int alloc_n = 0; alloc_err && alloc_n < 1000; alloc_n++) {      \
			atomic_store(&alloc_left, ALLOC_LIMITS ? alloc_n : INT_MAX); \
			alloc_err = (call);                                          \
			atomic_store(&alloc_left, INT_MAX);                          \
			if (alloc_err)                                               \
				EQ(ENOMEM, alloc_err);                               \
		}                                                                    \
		EQ(0, alloc_err);                                                    \
	} while (0)

#endif
