// The tests of all applications, with one server.

import './callbridge/app.test.mjs';
import './campaign/app.test.mjs';
import './clicktocall/app.test.mjs';
import './conference/app.test.mjs';
import './dashboard/app.test.mjs';
import './followme/app.test.mjs';
import './hello/app.test.mjs';
import './ivr/app.test.mjs';
import './queue/app.test.mjs';
import './recording/app.test.mjs';
import './voiceagent/app.test.mjs';
import './voicemail/app.test.mjs';
