`DISA()` gives a dial tone to who knows a code; `PrivacyManager()` asks for a number that is hidden.
