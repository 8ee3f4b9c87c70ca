"""What the lab's resolver answers now: the view of this moment, and where the client counts to be."""

from lab.control.world import World
from lab.core.route53.answer import Answer, Ask, answer
from lab.core.route53.view import Source, place_of


def resolver(world: World, vpc_id: str = "") -> Ask:
    """As the resolver of a VPC answers; without one, as on the host, where the names of all VPCs are seen."""

    def ask(name: str, kind: str, client: str) -> Answer:
        source = Source(vpc_id, place_of(client, world.places, world.account.region))
        return answer(world.view(world.clock.now()), name, kind, source)

    return ask
