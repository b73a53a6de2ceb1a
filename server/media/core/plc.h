/*
 * Packet loss concealment by pitch waveform substitution, after the idea of ITU-T G.711 Appendix I, but
 * without its delay: the last pitch period is repeated with cross-faded joints, held for 10 ms and faded
 * to silence by 60 ms; the first good frame is cross-faded with the repetition.
 *
 * A plain value: embed it, no close.
 */
#ifndef MP_PLC_H
#define MP_PLC_H

#include <stddef.h>
#include <stdint.h>

#define MP_PLC_MAX_RATE  16000                         /* Hz */
#define MP_PLC_MAX_PITCH (MP_PLC_MAX_RATE * 15 / 1000) /* 15 ms: 66 Hz, the lowest voice */
#define MP_PLC_HISTORY   (MP_PLC_MAX_PITCH * 3)

struct mp_plc {
	uint32_t rate;                    /* Hz */
	uint32_t filled;                  /* samples of history that are valid */
	uint32_t pitch;                   /* samples per period during a loss */
	uint32_t offset;                  /* position in the period */
	uint32_t lost;                    /* samples concealed in this loss; 0: none */
	int16_t history[MP_PLC_HISTORY];  /* the newest sample is the last */
	int16_t period[MP_PLC_MAX_PITCH]; /* what is repeated */
};

/* rate: 8,000 or 16,000 Hz. Returns 0, EINVAL, ENOTSUP. */
int mp_plc_init(struct mp_plc *p, uint32_t rate);

/* Tell of `n` received samples; after a loss their beginning is cross-faded in place. */
void mp_plc_good(struct mp_plc *p, int16_t *pcm, size_t n);

/* Make `n` samples for what is lost. */
void mp_plc_conceal(struct mp_plc *p, int16_t *pcm, size_t n);

#endif
