"""One file per proxy; the order here is the order of a round."""

from peers.caddy import Caddy
from peers.direct import Direct
from peers.envoy import Envoy, EnvoyCachingTokens
from peers.haproxy import Haproxy, HaproxyTcp
from peers.martlet import Martlet, MartletLogging, MartletVerifyingEveryToken
from peers.nghttpx import Nghttpx
from peers.nginx import Nginx

PEERS = [Martlet(), MartletLogging(), MartletVerifyingEveryToken(), Nghttpx(), Envoy(), EnvoyCachingTokens(), Nginx(),
         Haproxy(), Caddy(), HaproxyTcp(), Direct()]
OURS = "martlet"
