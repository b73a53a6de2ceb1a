#!/bin/sh
# Install the Debian packages named in the given lists that are missing. Touches nothing, and asks
# for no rights, when all are there. usage: system_packages.sh LIST...
set -eu

missing=
for package in $(sed 's/#.*//' "$@"); do
	case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true) in
	ii*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "system_packages: not a Debian system; install by hand what matches:$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=$(command -v sudo) || {
		echo "system_packages: need root or sudo to install:$missing" >&2
		exit 1
	}
fi
echo "Installing system packages:$missing"
$sudo apt-get -qq update
# shellcheck disable=SC2086 # one word per package is the point
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing
