/* Sound files: the table of formats, and the file calls that readers and writers share. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_coding.h"

enum { MODE = 0666 }; /* less the umask */

static const struct mp_format formats[] = {
        {"wav", "wav", &mp_coding_pcm16, 8000, true},
        {"wav16", "wav16", &mp_coding_pcm16, 16000, true},
        {"wav49", "WAV wav49", &mp_coding_gsm49, 8000, true},
        {"gsm", "gsm", &mp_coding_gsm, 8000, false},
        {"ulaw", "ulaw ul mu ulw pcm", &mp_coding_ulaw, 8000, false},
        {"alaw", "alaw al alw", &mp_coding_alaw, 8000, false},
        {"sln", "sln raw", &mp_coding_pcm16, 8000, false},
        {"sln12", "sln12", &mp_coding_pcm16, 12000, false},
        {"sln16", "sln16", &mp_coding_pcm16, 16000, false},
        {"sln24", "sln24", &mp_coding_pcm16, 24000, false},
        {"sln32", "sln32", &mp_coding_pcm16, 32000, false},
        {"sln44", "sln44", &mp_coding_pcm16, 44100, false},
        {"sln48", "sln48", &mp_coding_pcm16, 48000, false},
        {"sln96", "sln96", &mp_coding_pcm16, 96000, false},
        {"sln192", "sln192", &mp_coding_pcm16, 192000, false},
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static bool has_word(const char *words, const char *word)
{
	const size_t len = strcspn(word, " ");

	if (word[len])
		return false;
	for (const char *p = words; len && (p = strstr(p, word)); p += len) {
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	}
	return false;
}

const struct mp_format *mp_file_find(const char *name)
{
	for (int i = 0; name && i < FORMATS; i++) {
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	}
	return NULL;
}

const char *mp_file_format(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *dot = path ? strrchr(slash ? slash : path, '.') : NULL;

	for (int i = 0; dot && i < FORMATS; i++) {
		if (has_word(formats[i].extensions, dot + 1))
			return formats[i].name;
	}
	return NULL;
}

uint32_t mp_file_rate(const char *format)
{
	const struct mp_format *f = mp_file_find(format);

	return f ? f->rate : 0;
}

int mp_file_pread(int fd, uint8_t *buf, size_t len, uint64_t at, size_t *got)
{
	*got = 0;
	while (*got < len) {
		const ssize_t n = pread(fd, buf + *got, len - *got, (off_t)(at + *got));

		if (n == 0)
			break;
		if (n > 0)
			*got += (size_t)n;
		else if (errno != EINTR)
			return errno;
	}
	return 0;
}

int mp_file_pwrite(int fd, const uint8_t *buf, size_t len, uint64_t at, size_t *put)
{
	*put = 0;
	while (*put < len) {
		const ssize_t n = pwrite(fd, buf + *put, len - *put, (off_t)(at + *put));

		if (n >= 0)
			*put += (size_t)n;
		else if (errno != EINTR)
			return errno;
	}
	return 0;
}

int mp_file_open(int *fd, const char *path, int flags, uint64_t *len)
{
	struct stat st;
	int err = 0;

	*fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, MODE);
	if (*fd < 0)
		return errno;
	if (fstat(*fd, &st))
		err = errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? EISDIR : ENOTSUP;
	if (err) {
		close(*fd);
		*fd = -1;
		return err;
	}
	*len = (uint64_t)st.st_size;
	return 0;
}

int mp_coding_open(const struct mp_coding *coding, void **state)
{
	*state = NULL;
	return coding->open ? coding->open(state) : 0;
}

void mp_coding_close(const struct mp_coding *coding, void *state)
{
	if (coding && coding->close && state)
		coding->close(state);
}
