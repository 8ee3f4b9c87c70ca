"""`lab bundle`: one archive for machines without network, of this checkout, the wheels it installs, and the Docker images.

Unpacked, it has a folder `bundle`, and where that is `make up` asks nobody: pip installs from its wheels, and Docker loads its
images in place of building them.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click

from lab.cli.site import CHECKOUT, docker, docker_answers

NAME = "asg-lab"
FOLDER = CHECKOUT / "bundle"
IMAGES_FILE, IDS_FILE = "images.tar", "images.json"
EXTRAS = ("embedded", "h2", "isal")
"""What `make up` installs (Makefile)."""


@click.command(
    help="Make one archive with all that the lab needs on a machine without network: unpack it there, `make up`."
)
@click.option("--output", default="dist/asg-lab-bundle.tar.gz", show_default=True, type=click.Path(path_type=Path))
@click.option(
    "--images/--no-images", default=None, help="With the Docker images; the default is: if an engine answers."
)
@click.option(
    "--python", "pythons", multiple=True, metavar="3.N",
    help="A further Python that machines of this kind may have. This one's wheels are always in.",
)  # fmt: skip
def command(output: Path, images: bool | None, pythons: Sequence[str]) -> None:
    if images is None:
        images = docker_answers()
    with tempfile.TemporaryDirectory(prefix="lab-bundle-") as work:
        folder = Path(work)
        click.echo("fetching the wheels")
        fetch_wheels(folder / "wheels", pythons)
        if images:
            click.echo("building and saving the images")
            docker("compose", "build", "--quiet")
            save_images(folder)
        click.echo(f"writing {output}")
        output.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(output, "w:gz", compresslevel=1) as archive:
            for path in checkout_files():
                archive.add(CHECKOUT / path, f"{NAME}/{path}", recursive=False)
            archive.add(folder, f"{NAME}/bundle")
    size = output.stat().st_size / 1e6
    click.echo(f"{output}: {size:.0f} MB{'' if images else ', without images'}. On the other machine:")
    click.echo(f"  tar xzf {output.name} && cd {NAME} && make up")


def requirements() -> list[str]:
    """What pip has to find: what the lab imports, and what builds its editable install."""
    document = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    project = document["project"]
    extras = [one for extra in EXTRAS for one in project["optional-dependencies"][extra]]
    return [*document["build-system"]["requires"], *project["dependencies"], *extras]


def fetch_wheels(folder: Path, pythons: Sequence[str]) -> None:
    """Raises ClickException with pip's last words."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    pinned = ["--constraint", str(CHECKOUT / "requirements.lock"), "--dest", str(folder), *requirements()]
    for version in (None, *pythons):
        other = [] if version is None else ["--python-version", version]
        done = subprocess.run([*pip, *other, *pinned], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise click.ClickException(f"not all wheels could be fetched:\n{done.stderr.strip()[-1000:]}")


def image_names() -> list[str]:
    from lab.composition import CONTROL_IMAGE, IMAGES

    return sorted({*IMAGES.values(), CONTROL_IMAGE})


def save_images(folder: Path) -> None:
    docker("save", "--output", str(folder / IMAGES_FILE), *image_names(), quiet=True)
    (folder / IDS_FILE).write_text(json.dumps(image_ids()))


def image_ids() -> dict[str, str]:
    """The id of each image that the engine has."""
    found = {}
    for name in image_names():
        asked = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{.Id}}", name], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            found[name] = asked.stdout.strip()
    return found


def bundled() -> bool:
    """Whether this checkout came with its images."""
    return (FOLDER / IMAGES_FILE).exists()


def load_images() -> None:
    """Have the bundle's images in the engine; does nothing when they are there."""
    if image_ids() != json.loads((FOLDER / IDS_FILE).read_text()):
        docker("load", "--quiet", "--input", str(FOLDER / IMAGES_FILE), quiet=True)


def checkout_files() -> list[str]:
    """Raises ClickException outside of a git checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        raise click.ClickException(
            f"a bundle is made in a git checkout, and {CHECKOUT} is none: {listed.stderr.strip()}"
        )
    return [name for name in listed.stdout.split("\0") if name and (CHECKOUT / name).exists()]
