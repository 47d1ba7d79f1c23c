#!/bin/sh
# Fills the addresses into the configuration (the image's shell has no envsubst), in memory, then becomes Alertmanager.
set -eu
umask 077
SMTP_REQUIRE_TLS=true
[ "$SMTP_TLS" != none ] || SMTP_REQUIRE_TLS=false
filled=${ALERTMANAGER_RUN:-/tmp}/alertmanager.yml
# Values hold no |, & or \ : addresses, a port, and a password of letters and digits.
sed -e "s|\${SMTP_HOST}|$SMTP_HOST|" -e "s|\${SMTP_PORT}|$SMTP_PORT|" -e "s|\${ALERT_FROM}|$ALERT_FROM|" \
    -e "s|\${SMTP_REQUIRE_TLS}|$SMTP_REQUIRE_TLS|" -e "s|\${SMTP_USERNAME}|$SMTP_USERNAME|" \
    -e "s|\${SMTP_PASSWORD}|$SMTP_PASSWORD|" -e "s|\${ALERT_PAGE_TO}|$ALERT_PAGE_TO|" \
    -e "s|\${ALERT_TICKET_TO}|$ALERT_TICKET_TO|" "${ALERTMANAGER_CONFIG:-/etc/filage/alertmanager.yml}" >"$filled"
exec alertmanager --config.file="$filled" --storage.path="${ALERTMANAGER_DATA:-/alertmanager}"
