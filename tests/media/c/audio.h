/* Signals to feed and measures to take: the C tests' ears. Levels: 0 dBm0 is a sine of -3.14 dBFS. */
#ifndef TEST_AUDIO_H
#define TEST_AUDIO_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIO_PI 3.14159265358979323846

/* Peak amplitude of a sine at this level. */
static inline double audio_peak(double dbm0)
{
	return 32768.0 * pow(10.0, (dbm0 - 3.14) / 20.0);
}

/* Add a sine to pcm. `start` is the index of pcm[0] in the signal. */
static inline void audio_sine(int16_t *pcm, size_t n, size_t start, double hz, double peak, double rate)
{
	for (size_t i = 0; i < n; i++) {
		const double y = peak * sin(2 * AUDIO_PI * hz * (double)(start + i) / rate);

		pcm[i] = (int16_t)lrint(fmax(-32768, fmin(32767, pcm[i] + y)));
	}
}

/* Peak amplitude of the component at `hz` (Goertzel). */
static inline double audio_goertzel(const int16_t *pcm, size_t n, double hz, double rate)
{
	const double w = 2 * AUDIO_PI * hz / rate;
	double s1 = 0, s2 = 0;

	for (size_t i = 0; i < n; i++) {
		const double s = pcm[i] + 2 * cos(w) * s1 - s2;

		s2 = s1;
		s1 = s;
	}
	return 2 * sqrt(s1 * s1 + s2 * s2 - 2 * cos(w) * s1 * s2) / (double)n;
}

static inline double audio_rms(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return n ? sqrt(sum / (double)n) : 0;
}

/* Signal to noise of `got` against `want`, dB. */
static inline double audio_snr(const int16_t *want, const int16_t *got, size_t n)
{
	double signal = 1e-9, noise = 1e-9;

	for (size_t i = 0; i < n; i++) {
		const double d = (double)want[i] - got[i];

		signal += (double)want[i] * want[i];
		noise += d * d;
	}
	return 10 * log10(signal / noise);
}

/* A cheap reproducible generator for tests that want noise or random steps. */
static inline uint32_t audio_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

#endif
