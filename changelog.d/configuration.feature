`arion config check` says for each file which options work, have no effect or are unknown (with the nearest name), and which references point nowhere.
modules.conf: autoload, load, noload, preload and require; parts of the server load and unload under the names of Asterisk's modules.
A reload reaches http.conf, acl.conf and indications.conf too, and names what needs a restart; a storm of reloads is two.
http.conf: static files, and certificates that are renewed by a reload.
asterisk.conf: languageprefix; a full server says when to try again (`Retry-After`).
Log: call ids, the queue log's name and rotation.
pjsip.conf: `type = acl`.
