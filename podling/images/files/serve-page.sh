#!/bin/sh
# A page on port 8080, from whatever pod this is.
mkdir -p /srv/www
cat > /srv/www/index.html <<PAGE
<!doctype html>
<title>podling</title>
<h1>Hello from $(hostname)</h1>
<p>This page is served by a container of the pod $(hostname), which podling runs on Docker.</p>
PAGE
echo "$(hostname) serves a page on port 8080"
httpd -f -v -p 8080 -h /srv/www &
trap 'kill $!; exit 0' TERM INT
wait $!
