A SIP phone can call, reach a Stasis application over ARI, be bridged, recorded and played to.
