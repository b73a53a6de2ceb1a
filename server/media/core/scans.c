/* The scans of a stream: several may listen at the same time, each for its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "scan.h"

#define MAX_SCANS 16 /* of one stream */

struct mp_stream_scan {
	struct mp_stream_scan *next;
	int64_t tag;
	struct mp_scan scan;
};

static void end_scan(struct mp_stream *s, int64_t tag)
{
	for (struct mp_stream_scan **at = &s->scans; *at; at = &(*at)->next) {
		struct mp_stream_scan *scan = *at;

		if (scan->tag == tag) {
			*at = scan->next;
			free(scan);
			return;
		}
	}
}

static size_t count_scans(const struct mp_stream *s)
{
	size_t n = 0;

	for (const struct mp_stream_scan *at = s->scans; at; at = at->next)
		n++;
	return n;
}

static int begin_scan(struct mp_stream *s, const struct mp_cmd *c)
{
	struct mp_scan_conf conf = {
	        .threshold = (uint32_t)c->i[1],
	        .frames = (uint32_t)c->i[2],
	        .share_permille = (uint32_t)c->i[3],
	        .interval_ms = (uint32_t)c->i[4],
	        .skip_idle = c->i[5] != 0,
	        .count = (uint32_t)(c->bytes_len / sizeof(conf.hz[0])),
	};
	struct mp_stream_scan *scan;
	int err;

	if (c->bytes_len > sizeof(conf.hz) || count_scans(s) >= MAX_SCANS)
		return EINVAL;
	if (c->bytes_len)
		memcpy(conf.hz, c->bytes, conf.count * sizeof(conf.hz[0]));
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return ENOMEM;
	err = mp_scan_init(&scan->scan, &conf);
	if (err) {
		free(scan);
		return err;
	}
	scan->tag = c->i[0];
	scan->next = s->scans;
	s->scans = scan;
	return 0;
}

/* i: tag threshold frames share_permille interval_ms skip_idle; bytes: the frequencies */
int mp_stream_scan(struct mp_stream *s, const struct mp_cmd *c)
{
	int err = 0;

	end_scan(s, c->i[0]);
	if (c->i[1] > 0)
		err = begin_scan(s, c);
	mp_stream_update(s);
	return err;
}

void mp_scans_feed(struct mp_stream *s, const int16_t *pcm, size_t n, uint32_t rate)
{
	struct mp_worker *w = mp_worker_of(&s->obj);
	uint64_t since, now;
	uint32_t mask;

	for (struct mp_stream_scan *at = s->scans; at; at = at->next) {
		if (mp_scan_feed(&at->scan, pcm, n, rate, &mask, &since, &now))
			mp_worker_emit(w, MP_EVENT_SCAN, s->obj.handle, at->tag, mask, (int64_t)since,
			               (int64_t)now, 0);
	}
}

void mp_scans_close(struct mp_stream *s)
{
	while (s->scans) {
		struct mp_stream_scan *next = s->scans->next;

		free(s->scans);
		s->scans = next;
	}
}
