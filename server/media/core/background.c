/* What a stream sends when no player plays and no bridge feeds it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

static int set_tones(struct mp_bg *bg, const char *text)
{
	int err;

	bg->tones = malloc(sizeof(*bg->tones));
	if (!bg->tones)
		return ENOMEM;
	err = mp_tone_parse(bg->tones, text, strlen(text));
	bg->rate = 0; /* the generator starts with the first frame */
	return err;
}

int mp_background_set(struct mp_stream *s, enum mp_background kind, const char *value)
{
	struct mp_bg *bg = NULL;
	int err = 0;

	if (s->background)
		free(s->background->tones);
	free(s->background);
	s->background = NULL;
	if (kind != MP_BACKGROUND_NONE) {
		bg = calloc(1, sizeof(*bg));
		if (!bg)
			return ENOMEM;
		bg->kind = kind;
		strncpy(bg->name, value, sizeof(bg->name) - 1);
		if (kind == MP_BACKGROUND_TONE)
			err = set_tones(bg, value);
		if (err) {
			free(bg->tones);
			free(bg);
			bg = NULL;
		}
	}
	s->background = bg;
	mp_background_adopt(mp_worker_of(&s->obj), s);
	mp_stream_update(s);
	return err;
}

/* Music belongs to a worker: look the class up where the stream is now. */
void mp_background_adopt(struct mp_worker *w, struct mp_stream *s)
{
	if (s->background && s->background->kind == MP_BACKGROUND_MUSIC)
		s->background->music = mp_music_find(w, s->background->name);
}

static void send_music(struct mp_stream *s, struct mp_bg *bg)
{
	struct mp_worker *w = mp_worker_of(&s->obj);
	const enum mp_codec_id codec = s->type == MP_STREAM_RTP ? s->rtp->out.codec : s->codec;
	const uint8_t *payload;
	size_t len;

	if (!bg->music)
		return;
	payload = mp_music_encoded(w, bg->music, codec, &len);
	mp_stream_send_encoded(s, payload, len, mp_codec_get(codec)->clock_rate / MP_FRAMES_PER_S);
}

void mp_background_tick(struct mp_stream *s)
{
	struct mp_bg *bg = s->background;
	const uint32_t rate = mp_stream_rate(s);
	const size_t n = rate / MP_FRAMES_PER_S;
	int16_t pcm[MP_FRAME_MAX] = {0};

	if (bg->kind == MP_BACKGROUND_ECHO) {
		if (s->pcm)
			mp_stream_send_frame(s, s->pcm->frame, n);
		return;
	}
	if (bg->kind == MP_BACKGROUND_MUSIC) {
		send_music(s, bg);
		return;
	}
	if (bg->kind == MP_BACKGROUND_TONE) {
		if (bg->rate != rate && mp_tonegen_init(&bg->gen, bg->tones, rate) == 0)
			bg->rate = rate;
		(void)mp_tonegen_read(&bg->gen, pcm, n);
	}
	mp_stream_send_frame(s, pcm, n);
}
