/*
 * Strict RTP: which source is believed.
 *
 * While learning, the address of the SDP is played at once; a stranger (a phone behind a NAT) first has to
 * send `probation` packets in sequence. Either is then the one source. In SEQNO mode a later stranger may
 * pass the same probation, in YES mode only a new configuration makes us learn again.
 */
#include "core.h"

static void start_probation(struct mp_source_filter *f, const struct mp_addr *from)
{
	f->candidate = *from;
	f->good = 0;
}

bool mp_filter_accepts(struct mp_source_filter *f, enum mp_strict strict, unsigned probation,
                       const struct mp_addr *signalled, const struct mp_addr *from, uint16_t seq)
{
	const bool is_signalled = signalled->len && mp_addr_equal(signalled, from);
	bool is_candidate;

	if (f->state == MP_LEARN_LOCKED && mp_addr_equal(&f->trusted, from))
		return true;
	if (strict == MP_STRICT_NO) {
		f->trusted = *from;
		f->state = MP_LEARN_LOCKED;
		return true;
	}
	if (f->state == MP_LEARN_LOCKED && strict == MP_STRICT_YES)
		return false;
	is_candidate = f->good && mp_addr_equal(&f->candidate, from);
	if (!is_candidate) {
		if (f->good && !is_signalled && signalled->len && mp_addr_equal(&f->candidate, signalled))
			return false; /* whom the SDP named is on probation: a stranger doesn't disturb it
			               */
		start_probation(f, from);
	} else if (seq != f->next_seq) {
		f->good = 0;
	}
	f->good++;
	f->next_seq = (uint16_t)(seq + 1);
	if (f->good < probation)
		return is_signalled && f->state != MP_LEARN_LOCKED;
	f->trusted = *from;
	f->state = MP_LEARN_LOCKED;
	f->good = 0;
	return true;
}
