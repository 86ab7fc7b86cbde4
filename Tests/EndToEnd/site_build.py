"""The site with the built nb: a build after any edit is one from nothing, byte for byte, and does no more than it has to."""
import os
import random
import re
import shutil
import subprocess

LESSON = """# Day {n} — Lesson {n}

```perf
kind: lesson
id: day{n:02}
day: {n}
title: Lesson {n}
```

Some prose about word{n}, and a [neighbour](day{other:02}.md#part).

## Part

```perf
kind: sim
id: queue
model: mm1
params: {{rho: 0.8, service: 10ms}}
```
"""


def tree(folder):
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            found[os.path.relpath(path, folder)] = open(path, "rb").read()
    return found


def make_course(f, lessons=12):
    os.makedirs(os.path.join(f.path, "Notebooks"), exist_ok=True)
    for n in range(1, lessons + 1):
        f.file(f"Notebooks/day{n:02}.md", LESSON.format(n=n, other=n % lessons + 1).encode())
    names = ", ".join(f"day{n:02}" for n in range(1, lessons + 1))
    f.file("Notebooks/course.yml", f"title: A course\nlessons: [{names}]\n".encode())


def tests(Folder):
    def built(f):
        said = f.nb("build", check=0).stderr.decode()
        return int(re.search(r"(\d+) files written", said).group(1)), [line for line in said.splitlines() if "files written" not in line]

    def a_build_after_any_edit_is_one_from_nothing():
        draw = random.Random(808)
        with Folder() as f:
            make_course(f)
            site, state = os.path.join(f.path, "_site"), os.path.join(f.path, ".nb")
            built(f)
            names = sorted(os.listdir(os.path.join(f.path, "Notebooks")))
            lessons = [name for name in names if name.startswith("day")]
            for kind in ("prose", "script", "title", "heading", "link", "touch", "order", "fewer", "missing", "damaged", "prose", "broken"):
                path = os.path.join(f.path, "Notebooks", draw.choice(lessons))
                text = open(path).read()
                listing = os.path.join(f.path, "Notebooks/course.yml")
                if kind == "prose":
                    open(path, "a").write(f"\nword{draw.randrange(10**6)} stands here\n")
                if kind == "script":
                    open(path, "a").write("\nGröße, 性能測定 und 성능\n")
                if kind == "title":
                    open(path, "w").write(text.replace("title: Lesson", "title: Renamed lesson"))
                if kind == "heading":
                    open(path, "w").write(text.replace("## Part", "## Another part"))
                if kind == "link":
                    open(path, "a").write("\nSee [there](day03.md#nowhere).\n")
                if kind == "touch":
                    os.utime(path)
                if kind == "order":
                    shuffled = draw.sample(range(1, 13), 12)
                    open(listing, "w").write("title: A course\nlessons: [" + ", ".join(f"day{n:02}" for n in shuffled) + "]\n")
                if kind == "fewer":
                    open(listing, "w").write("title: A course\nlessons: [" + ", ".join(f"day{n:02}" for n in range(1, 12)) + "]\n")
                if kind == "missing":
                    os.remove(os.path.join(site, "day05.html"))
                if kind == "damaged":
                    shard = next(name for name in sorted(os.listdir(os.path.join(site, "search"))) if name.startswith("s"))
                    os.remove(os.path.join(site, "search", shard))
                if kind == "broken":
                    open(os.path.join(state, "site/pages"), "a").write("no record\n")
                _, said = built(f)
                after = tree(site)
                shutil.rmtree(site)
                shutil.move(state, state + "-kept")
                _, fresh = built(f)
                assert said == fresh, (kind, said, fresh)
                anew = tree(site)
                assert after == anew, (kind, sorted(path for path in {*after, *anew} if after.get(path) != anew.get(path)))
                shutil.rmtree(state)
                shutil.move(state + "-kept", state)

    def a_build_writes_no_more_than_it_has_to():
        with Folder() as f:
            make_course(f)
            written, _ = built(f)
            assert written > 12
            assert built(f)[0] == 0
            path = os.path.join(f.path, "Notebooks/day05.md")
            os.utime(path)
            assert built(f)[0] == 0
            # A page and one shard; then the neighbours and the home page too, which name its title.
            open(path, "a").write("\nnewword\n")
            assert built(f)[0] == 2
            open(path, "a").write("\nnewword newword\n")
            kept = tree(os.path.join(f.path, "_site"))
            text = open(path).read()
            open(path, "w").write(text.replace("title: Lesson 5", "title: Fifth lesson"))
            built(f)
            now = tree(os.path.join(f.path, "_site"))
            changed = {name for name in now if name.endswith(".html") and now[name] != kept[name]}
            assert {"day05.html", "day04.html", "day06.html", "index.html"} <= changed and "day09.html" not in changed, changed

    def mistakes_of_all_lessons_are_said_at_once():
        with Folder() as f:
            make_course(f, 3)
            for n in (1, 3):
                path = os.path.join(f.path, f"Notebooks/day{n:02}.md")
                open(path, "a").write("\n```perf\nkind: lod\nid: x\n```\n")
            said = f.nb("build", check=1).stderr.decode()
            assert said.count("did you mean `load`") == 2 and "day01.md" in said and "day03.md" in said, said

    def pictures_and_data_come_along():
        with Folder() as f:
            make_course(f, 3)
            path = os.path.join(f.path, "Notebooks/day02.md")
            open(path, "a").write("\n![A curve](figures/curve.svg) and [its numbers](figures/curve.csv), [not this](../secret.csv).\n")
            open(os.path.join(f.path, "secret.csv"), "w").write("secret")
            said = built(f)[1]
            assert any("figures/curve.svg, which is not in the site" in line for line in said), said
            os.makedirs(os.path.join(f.path, "Notebooks/figures"))
            f.file("Notebooks/figures/curve.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
            f.file("Notebooks/figures/curve.csv", b"x,y\n1,2\n")
            said = built(f)[1]
            assert not any("curve" in line for line in said) and any("secret.csv" in line for line in said), said
            f.file("Notebooks/figures/curve.csv", b"x,y\n1,3\n")
            assert built(f)[0] == 1
            site = tree(os.path.join(f.path, "_site"))
            assert site["figures/curve.csv"] == b"x,y\n1,3\n" and "secret.csv" not in site
            os.remove(os.path.join(f.path, "Notebooks/figures/curve.csv"))
            said = built(f)[1]
            assert any("curve.csv" in line for line in said) and not os.path.exists(os.path.join(f.path, "_site/figures/curve.csv")), said

    def strict_refuses_what_must_not_be_published():
        with Folder() as f:
            make_course(f, 2)
            assert b"was never run" in f.nb("build", "--strict", check=1).stderr
            for lesson in ("day01", "day02"):
                f.nb("run", f"Notebooks/{lesson}.md", check=0)
            f.nb("build", "--strict", check=0)
            open(os.path.join(f.path, "Notebooks/day01.md"), "a").write("\nThe mean is {{ queue.mean }}.\n")
            assert "queue.mean" in f.nb("build", "--strict", check=1).stderr.decode()
            f.nb("build", check=0)

    return [pictures_and_data_come_along, strict_refuses_what_must_not_be_published, a_build_after_any_edit_is_one_from_nothing, a_build_writes_no_more_than_it_has_to, mistakes_of_all_lessons_are_said_at_once]
