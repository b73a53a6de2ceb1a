"""Names of pjsip.conf that Asterisk knows and that do nothing here yet: data, kept apart."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Codecs that Asterisk has: naming one is right, but it is never offered.
OTHER_CODECS = _words(
    """
    adpcm codec2 g719 g722 g723 g726 g726aal2 g729 gsm h261 h263 h263p h264 h265 ilbc jpeg lpc10
    mpeg4 none opus png red silk silk12 silk16 silk24 silk8 siren14 siren7 slin12 slin192 slin24
    slin32 slin44 slin48 slin96 speex speex16 speex32 t140 t38 testlaw vp8 vp9 av1
    """
)
# Options of Asterisk that are accepted and reported, because nothing here acts on them yet.
UNSUPPORTED: dict[str, frozenset[str]] = {
    "endpoint": _words(
        """
    100rel accept_multiple_sdp_answers aggregate_mwi allow_subscribe asymmetric_rtp_codec bundle
    callerid_tag codec_prefs_incoming_answer codec_prefs_incoming_offer
    codec_prefs_outgoing_answer codec_prefs_outgoing_offer cos_audio cos_video
    direct_media_glare_mitigation direct_media_method disable_direct_media_on_nat
    dtls_auto_generate_cert dtls_ca_file dtls_ca_path dtls_cert_file dtls_cipher
    dtls_fingerprint dtls_private_key dtls_rekey dtls_setup dtls_verify fax_detect
    fax_detect_timeout follow_early_media_fork follow_redirect_methods force_avp
    g726_non_standard geoloc_incoming_call_profile geoloc_outgoing_call_profile ice_support
    incoming_call_offer_pref incoming_mwi_mailbox max_audio_streams max_video_streams
    media_encryption media_encryption_optimistic media_use_received_transport
    mwi_from_user mwi_subscribe_replaces_unsolicited
    notify_early_inuse_ringing one_touch_recording outgoing_call_offer_pref
    overlap_context preferred_codec_only record_off_feature record_on_feature
    rtp_engine rtp_ipv6 rtp_keepalive rtp_port_end rtp_port_start
    security_mechanisms security_negotiation send_aoc send_history_info
    srtp_tag_32 stir_shaken stir_shaken_profile sub_min_expiry subscribe_context
    suppress_moh_on_sendonly t38_bind_udptl_to_media_address t38_udptl t38_udptl_ec
    t38_udptl_ipv6 t38_udptl_maxdatagram t38_udptl_nat tenantid tos_video use_avpf
    voicemail_extension webrtc
    """
    ),
    "auth": frozenset({"oauth_clientid", "oauth_secret", "refresh_token"}),
    "global": _words(
        """
    all_codecs_on_empty_reinvite default_voicemail_extension disable_multi_domain
    mwi_disable_initial_unsolicited mwi_tps_queue_high mwi_tps_queue_low norefersub regcontext
    taskprocessor_overload_trigger use_callerid_contact
    """
    ),
    "system": _words(
        """
    accept_multiple_sdp_answers follow_early_media_fork taskpool_auto_increment
    taskpool_idle_timeout taskpool_initial_size taskpool_max_size taskpool_minimum_size
    threadpool_auto_increment threadpool_idle_timeout threadpool_initial_size
    threadpool_max_size
    """
    ),
    "transport": _words(
        """
    allow_wildcard_certs ca_list_file ca_list_path cert_file cipher domain
    external_signaling_hostname method password priv_key_file require_client_cert
    symmetric_transport verify_client verify_server websocket_write_timeout
    """
    ),
}
# Whole sections of Asterisk that nothing here acts on yet.
UNSUPPORTED_TYPES = _words(
    """
    asterisk-publication contact inbound-publication outbound-publish phoneprov
    registration resource_list subscription_persistence
    """
)
