Call pickup: `Pickup()`, `PickupChan()`, and `*8` (features.conf's `pickupexten`) with numbered and named groups of pjsip.conf.
