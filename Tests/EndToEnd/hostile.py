"""Texts and courses that mean harm, with the built nb: bounded time, and no file from outside of the course."""
import os
import resource
import subprocess

import hostile_texts

# What libcmark 0.30.2 reads for minutes at this size, and a day at 8 MB.
QUADRATIC = ["image-bracket", "links-in-images", "emph-deep-quote", "empty-lines-deep-list", "empty-lines-deep-list-quote"]
# Far above what a debug build on a busy machine needs, and far below minutes.
SECONDS = 40


def bounded():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def tests(Folder):
    def refused(f, name, size, *command, check=True):
        open(os.path.join(f.path, "a.md"), "wb").write(hostile_texts.text(name, size))
        done = subprocess.run([f.program, *command], cwd=f.path, capture_output=True, preexec_fn=bounded)
        assert done.returncode == 1, (name, command, done.returncode, done.stderr[:500])
        said = done.stderr.decode()
        assert "[costly-markdown]" in said and "a.md:" in said and "      = " in said and len(said) < 2000, (name, said[:2000])

    def a_megabyte_that_cmark_cannot_read_is_refused():
        with Folder() as f:
            for name in QUADRATIC:
                refused(f, name, 1_000_000, "render", "a.md")
                refused(f, name, 8_000_000, "render", "--plain-commonmark", "a.md")
            for command in (("check", "a.md"), ("run", "a.md"), ("clean", "a.md"), ("status", "a.md")):
                refused(f, "image-bracket", 1_000_000, *command)
            f.file("course.yml", b"title: A course\nlessons: [a]\n")
            refused(f, "image-bracket", 1_000_000, "build")

    def hostile_texts_of_every_kind_are_read_in_bounded_time():
        with Folder() as f:
            path = os.path.join(f.path, "a.md")
            for name in hostile_texts.FAMILIES:
                open(path, "wb").write(hostile_texts.text(name, 40_000))
                for command in ("render", "check"):
                    done = subprocess.run([f.program, command, path], capture_output=True, preexec_fn=bounded)
                    assert done.returncode in (0, 1), (name, command, done.returncode, done.stderr[-300:])

    def a_course_publishes_and_reads_only_its_own_files():
        with Folder() as f:
            os.makedirs(os.path.join(f.path, "Notebooks"))
            os.makedirs(os.path.join(f.path, "Themes/mine"))
            for name in ("secret.png", "secret.csv", "secret.woff2"):
                open(os.path.join(f.path, name), "w").write("id,secret\n1,2\n")
            os.symlink("../secret.png", os.path.join(f.path, "Notebooks/a.png"))
            os.symlink("..", os.path.join(f.path, "Notebooks/up"))
            os.symlink("../secret.csv", os.path.join(f.path, "Notebooks/users.csv"))
            os.symlink("../../secret.woff2", os.path.join(f.path, "Themes/mine/a.woff2"))
            f.file("Themes/mine/style.css", b"p { color: red }\n")
            f.file("Notebooks/course.yml", b"title: A course\nlessons: [day01]\n")
            f.file("Notebooks/day01.md", b"# One\n\n![a](a.png) ![b](up/secret.png) ![c](../secret.png)\n")
            said = f.nb("build", check=0).stderr.decode()
            assert said.count("[outside-folder]") == 2 and "Notebooks/a.png" in said and "up/secret.png" in said, said
            held = {os.path.join(place, name) for place, _, names in os.walk(os.path.join(f.path, "_site")) for name in names}
            assert not any("secret" in name or name.endswith("a.png") for name in held), held
            assert not any(b"id,secret" in open(name, "rb").read() for name in held)
            said = f.nb("check", "Notebooks/day01.md", check=0).stderr.decode()
            assert "outside of this notebook's folder" in said, said
            f.file("Notebooks/course.yml", b"title: A course\nlessons: [day01]\ntheme: mine\n")
            said = f.nb("build", check=1).stderr.decode()
            assert "[outside-folder]" in said and "a.woff2" in said, said
            f.file("Notebooks/course.yml", b"title: A course\nlessons: [day01]\ntheme: ../../evil\n")
            assert "[course-file]" in f.nb("build", check=1).stderr.decode()
            for name in (b"users.csv", b"up/secret.csv", b"../secret.csv", b"/etc/hostname"):
                f.file("Notebooks/day01.md", b"# One\n\n```perf\nkind: observe\nid: x\nquery: change_points\nfile: %s\n```\n" % name)
                said = f.nb("check", "Notebooks/day01.md", check=1).stderr.decode()
                assert "course's folder" in said and "[bad-data]" in said, said

    return [a_megabyte_that_cmark_cannot_read_is_refused, hostile_texts_of_every_kind_are_read_in_bounded_time, a_course_publishes_and_reads_only_its_own_files]
