REST: device states and mailboxes that are kept, modules, log channels, and SIP objects made, changed and deleted while the server runs (`/asterisk/config/dynamic/res_pjsip`).
Console: `ari mkpasswd`, `ari show user`, `ari show status`, `module load`, `module unload`, `logger add channel`, `logger remove channel`.
