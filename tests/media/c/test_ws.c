/* The parsers of socket media and the play queue, without an engine. */
#include "check.h"

#include "control.h"
#include "playq.h"
#include "ws.h"

/* -- frames -------------------------------------------------------------------------------------- */

static void test_header_round_trip(void)
{
	static const uint64_t LENGTHS[] = {0, 1, 125, 126, 127, 65535, 65536, UINT64_C(1) << 40};

	for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++) {
		for (int masked = 0; masked < 2; masked++) {
			const struct mp_ws_header h = {.fin = i & 1,
			                               .opcode = MP_WS_BINARY,
			                               .masked = masked,
			                               .mask = {1, 2, 3, 4},
			                               .len = LENGTHS[i]};
			struct mp_ws_header again;
			uint8_t buf[MP_WS_HEADER_MAX];
			const size_t len = mp_ws_header_write(buf, &h);
			size_t used = 0;

			for (size_t cut = 0; cut < len; cut++)
				ERR(EAGAIN, mp_ws_header_parse(&again, &used, buf, cut));
			OK(mp_ws_header_parse(&again, &used, buf, len));
			EQ(len, used);
			EQ(h.len, again.len);
			EQ(h.fin, again.fin);
			EQ(h.opcode, again.opcode);
			EQ(masked, again.masked);
			EQ(masked ? 3 : 0, again.mask[2]);
		}
	}
}

static void test_the_rfc_vectors(void)
{
	/* RFC 6455 section 5.7: a masked "Hello" */
	uint8_t hello[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
	struct mp_ws_header h;
	size_t used;

	OK(mp_ws_header_parse(&h, &used, hello, sizeof(hello)));
	EQ(MP_WS_TEXT, h.opcode);
	EQ(5, h.len);
	mp_ws_mask(hello + used, 2, h.mask, 0);
	mp_ws_mask(hello + used + 2, 3, h.mask, 2);
	CHECK(memcmp(hello + used, "Hello", 5) == 0);
}

static void test_headers_that_break_the_rules(void)
{
	static const struct {
		uint8_t bytes[10];
		int err;
	} CASES[] = {
	        {{0xc2, 0}, EBADMSG},           /* a reserved bit */
	        {{0x89, 126, 0, 126}, EBADMSG}, /* a long ping */
	        {{0x08, 0}, EBADMSG},           /* a close in fragments */
	        {{0x82, 127, 0x80}, EBADMSG},   /* more than 63 bits */
	        {{0x83, 0}, ENOTSUP},           /* a reserved opcode */
	        {{0x8b, 0}, ENOTSUP},
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct mp_ws_header h;
		size_t used;

		ERR(CASES[i].err, mp_ws_header_parse(&h, &used, CASES[i].bytes, sizeof(CASES[i].bytes)));
	}
}

static void test_utf8(void)
{
	static const char *const GOOD[] = {
	        "", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"};
	static const char *const BAD[] = {"\x80",         "\xc0\x80",         "\xc3",     "\xe0\x80\x80",
	                                  "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3\x28", "\xff"};

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
		CHECK(mp_utf8_is_valid((const uint8_t *)GOOD[i], strlen(GOOD[i])));
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		CHECK(!mp_utf8_is_valid((const uint8_t *)BAD[i], strlen(BAD[i])));
}

/* -- control texts ------------------------------------------------------------------------------- */

static int parse(struct mp_control *c, const char *text, bool is_json)
{
	return mp_control_parse(c, text, strlen(text), is_json);
}

static void test_every_command_in_both_formats(void)
{
	for (unsigned i = 0; i < MP_CONTROL_COUNT; i++) {
		const char *word = mp_control_word((enum mp_control_name)i);
		struct mp_control c;
		char json[128];

		OK(parse(&c, word, false));
		EQ(i, c.name);
		snprintf(json, sizeof(json), "{\"command\":\"%s\"}", word);
		OK(parse(&c, json, true));
		EQ(i, c.name);
	}
}

static void test_plain_arguments(void)
{
	struct mp_control c;

	OK(parse(&c, "MARK_MEDIA  one two \r\n", false));
	EQ(MP_CONTROL_MARK, c.name);
	EQ(7, c.id_len);
	CHECK(memcmp(c.id, "one two", 7) == 0);
	OK(parse(&c, "MARK_MEDIA", false));
	EQ(0, c.id_len);
	ERR(ENOENT, parse(&c, "mark_media", false));
	ERR(ENOENT, parse(&c, "MARK", false));
	ERR(EBADMSG, parse(&c, "", false));
	ERR(EBADMSG, parse(&c, "ANSWER\tx", false));
	ERR(ENOENT, parse(&c, "{\"command\":\"ANSWER\"}", false));
}

static void test_json_fields(void)
{
	struct mp_control c;

	OK(parse(&c, " { \"x\" : 1.5e3 , \"command\":\"MARK_MEDIA\",\"correlation_id\":\"a\\\"\\u00e9\"} ",
	         true));
	EQ(9, c.id_len);
	CHECK(memcmp(c.id, "a\\\"\\u00e9", 9) == 0);
	OK(parse(&c, "{\"command\":\"SET_MEDIA_DIRECTION\",\"direction\":\"both\"}", true));
	CHECK(c.direction_len == 4 && memcmp(c.direction, "both", 4) == 0);
	OK(parse(&c, "{\"command\":\"MARK_MEDIA\",\"correlation_id\":null}", true));
	EQ(0, c.id_len);
	ERR(EINVAL, parse(&c, "{\"command\":\"MARK_MEDIA\",\"correlation_id\":5}", true));
	ERR(EINVAL, parse(&c, "{}", true));
	ERR(EINVAL, parse(&c, "{\"command\":1}", true));
	ERR(ENOENT, parse(&c, "{\"command\":\"NO\"}", true));
}

static void test_what_is_no_object(void)
{
	static const char *const BAD[] = {"ANSWER",
	                                  "\"ANSWER\"",
	                                  "[]",
	                                  "{",
	                                  "{\"command\"}",
	                                  "{\"command\":}",
	                                  "{\"command\":\"ANSWER\"",
	                                  "{\"command\":\"ANSWER\",}",
	                                  "{\"command\":\"ANSWER\"} x",
	                                  "{\"command\":\"ANSWER\"}}",
	                                  "{\"command\":\"AN\\xSWER\"}",
	                                  "{\"command\":\"A\\u12\"}",
	                                  "{\"command\":\"A\nB\"}",
	                                  "{\"a\":{}}",
	                                  "{\"a\":\"\\"};

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct mp_control c;

		ERR(EBADMSG, parse(&c, BAD[i], true));
	}
}

/* -- the play queue ------------------------------------------------------------------------------ */

static void test_any_lengths_become_frames(void)
{
	struct mp_playq_item item;
	struct mp_playq q;
	uint8_t audio[1000], next = 0, expected = 0;
	size_t frames = 0;

	mp_playq_init(&q, 320);
	for (size_t len = 1; len < 999; len += 7) {
		for (size_t i = 0; i < len; i++)
			audio[i] = next++;
		EQ(0, mp_playq_put(&q, audio, len));
		while (mp_playq_next(&q, &item) == MP_PLAYQ_FRAME) {
			frames++;
			EQ(320, item.len);
			for (size_t i = 0; i < item.len; i++)
				EQ(expected++, item.data[i]);
		}
	}
	CHECK(frames > 200);
	mp_playq_close(&q);
}

static void test_marks_keep_their_place(void)
{
	struct mp_playq_item item;
	struct mp_playq q;
	uint8_t audio[640] = {0};

	mp_playq_init(&q, 320);
	OK(mp_playq_mark(&q, MP_PLAYQ_MARK, "first", 5));
	EQ(0, mp_playq_put(&q, audio, 640));
	OK(mp_playq_mark(&q, MP_PLAYQ_BUFFERED, "", 0));
	EQ(2, q.frames);
	EQ(MP_PLAYQ_MARK, mp_playq_next(&q, &item));
	EQ(5, item.len);
	EQ(MP_PLAYQ_FRAME, mp_playq_next(&q, &item));
	EQ(MP_PLAYQ_FRAME, mp_playq_next(&q, &item));
	EQ(MP_PLAYQ_BUFFERED, mp_playq_next(&q, &item));
	EQ(MP_PLAYQ_EMPTY, mp_playq_next(&q, &item));
	ERR(ENOBUFS, mp_playq_mark(&q, MP_PLAYQ_MARK, (const char *)audio, MP_PLAYQ_MARK_MAX + 1));
	mp_playq_close(&q);
}

static void test_the_last_frame_is_filled_with_silence(void)
{
	const uint8_t audio[3] = {1, 2, 3};
	struct mp_playq_item item;
	struct mp_playq q;

	mp_playq_init(&q, 160);
	mp_playq_pad(&q, 0xff);
	EQ(MP_PLAYQ_EMPTY, mp_playq_next(&q, &item));
	EQ(0, mp_playq_put(&q, audio, sizeof(audio)));
	mp_playq_pad(&q, 0xff);
	EQ(MP_PLAYQ_FRAME, mp_playq_next(&q, &item));
	EQ(3, item.data[2]);
	EQ(0xff, item.data[3]);
	EQ(0xff, item.data[159]);
	mp_playq_close(&q);
}

static void test_the_queue_is_bounded_and_gives_its_memory_back(void)
{
	const size_t blob = (size_t)640 * (MP_PLAYQ_FRAMES + 5) + 13;
	uint8_t *audio = calloc(1, blob);
	struct mp_playq_item item;
	struct mp_playq q;

	mp_playq_init(&q, 640);
	EQ(640 * 5 + 13, mp_playq_put(&q, audio, blob));
	EQ(MP_PLAYQ_FRAMES, q.frames);
	EQ(640, mp_playq_put(&q, audio, 640));
	while (mp_playq_next(&q, &item) == MP_PLAYQ_FRAME)
		;
	EQ(0, q.frames);
	EQ(0, q.room);
	EQ(0, mp_playq_put(&q, audio, 64000));
	mp_playq_clear(&q);
	EQ(0, q.room);
	EQ(MP_PLAYQ_EMPTY, mp_playq_next(&q, &item));
	for (int i = 0; i < 100000 && !mp_playq_mark(&q, MP_PLAYQ_MARK, "0123456789abcdef", 16); i++)
		CHECK(q.room <= (size_t)1 << 23);
	mp_playq_close(&q);
	free(audio);
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_header_round_trip);
	RUN(test_the_rfc_vectors);
	RUN(test_headers_that_break_the_rules);
	RUN(test_utf8);
	RUN(test_every_command_in_both_formats);
	RUN(test_plain_arguments);
	RUN(test_json_fields);
	RUN(test_what_is_no_object);
	RUN(test_any_lengths_become_frames);
	RUN(test_marks_keep_their_place);
	RUN(test_the_last_frame_is_filled_with_silence);
	RUN(test_the_queue_is_bounded_and_gives_its_memory_back);
	return check_result();
}
