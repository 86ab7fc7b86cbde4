#!/usr/bin/env python3
"""Holds the repository to its own rules: module arrows, banned calls, file sizes, one Fail case for
each diagnostic id, an architecture page that tells the truth, examples that parse.

Usage: tidy.py [--nb PATH]     with a built nb, examples in README and notebooks are checked too
Reads only; never builds, never changes a file. Every finding says place, cause and remedy.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import picture
import shipped

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = 600
ARCHITECTURE_LINES_MAX = 200

TOP_LEVEL = {
    "Package.swift", "Package.resolved", "Sources", "Tests", "Notebooks", "Themes", "Makefile",
    "README.md", "LICENSE", ".gitignore", ".swift-format", ".ci", ".git", ".gitattributes",
}
# Made by building and running; in .gitignore.
MADE_HERE = re.compile(r"^(\.build.*|\.swiftpm|\.nb|_site)$")

SYSTEM_MODULES = {
    "Glibc", "Musl", "Darwin", "Foundation", "FoundationEssentials", "FoundationXML", "Dispatch",
    "Synchronization", "Swift", "Testing",
}
NO_FOUNDATION = {"TextModel", "Statistics", "DocumentModel"}
# Files whose loops run once per request or per event.
NO_FOUNDATION_FOLDERS = ("Sources/LoadKernel/", "Sources/SimulationKernel/")
# Reached through a product that has another name: what a target may import for a listed dependency.
PRODUCT_MODULES = {"GRDB": {"GRDB", "GRDBSQLite"}, "NIOCore": {"NIOCore"}, "NIOHTTP2": {"NIOHTTP2", "NIOHPACK"}}
ONLY_IN = {
    "CCmark": ["DocumentModel"], "CYAML": ["StrictYAML"], "CExpat": ["Market"], "CZlib": ["LabSystems", "TelemetryCollector"], "CLabShims": ["LabSystems"],
    "ArgumentParser": ["Commands"],
}

BANNED = [
    (r"(?<![\w.])(?:debugPrint|print)\(", "printing from a library", "return a value, or write through Commands/Output.swift"),
    (r"\btry!", "`try!` turns an error into a crash without cause or remedy", "handle it, or `try` in a throwing function"),
    (r"(?<![\w.])fatalError\(", "`fatalError`", "`precondition` for the impossible, an error or a Diagnostic for the doubtful"),
    (r"\bas!", "a forced cast", "`as?` with an error, or a type that needs no cast"),
    (r"\bDate\(\)|\bDate\.now\b", "the clock is read here", "take the time as an argument; the clock is read in Commands"),
    (r"\bSystemRandomNumberGenerator\b|\.random\(in:[^,()]*\)", "randomness without a seed", "take a SeededRandom as `using:`"),
    (r"\b(?:TODO|FIXME|XXX)\b", "an unfinished place", "finish it, or open an issue"),
    (r"\bBundle\.module\b", "a resource bundle beside the program", "find data by the course folder, tests by #filePath"),
]
CLOCK_OWNER = "Sources/Commands/"
ALLOW = re.compile(r"//\s*tidy: allow\s+\S+")

FINDINGS = []
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def finding(place, cause, remedy):
    path = place[0] if isinstance(place, tuple) else place
    line = f":{place[1]}" if isinstance(place, tuple) else ""
    FINDINGS.append(f"{path}{line}: {cause}\n    remedy: {remedy}")


def swift_files(folder):
    """What somebody wrote; files that a generator wrote are its business."""
    return sorted(p for p in (ROOT / folder).rglob("*.swift") if ".build" not in p.parts and not p.name.endswith(".pb.swift"))


def relative(path):
    return str(path.relative_to(ROOT))


def bracketed(text, start, pair="()"):
    """The text inside the bracket that opens at or after `start`."""
    opened = text.index(pair[0], start)
    depth = 0
    quoted = False
    for i in range(opened, len(text)):
        if text[i] == '"':
            quoted = not quoted
        elif not quoted and text[i] == pair[0]:
            depth += 1
        elif not quoted and text[i] == pair[1]:
            depth -= 1
            if depth == 0:
                return text[opened + 1:i]
    raise ValueError("unbalanced brackets in Package.swift")


def manifest():
    """Target name -> direct dependencies by module name, as written in Package.swift."""
    text = re.sub(r"^\s*//.*$", "", (ROOT / "Package.swift").read_text(), flags=re.M)
    named, lists = {}, {}
    for name, product in re.findall(r'let (\w+) = Target\.Dependency\.product\(name: "(\w+)"', text):
        named[name] = [product]
    for match in re.finditer(r"let (\w+): \[Target\.Dependency\] = \[", text):
        body = bracketed(text, match.end() - 1, "[]")
        lists[match.group(1)] = re.findall(r'\.product\(name: "(\w+)"', body)
    targets = {}
    for match in re.finditer(r"\.(target|executableTarget|testTarget|systemLibrary)\(", text):
        body = bracketed(text, match.end() - 1)
        name = re.search(r'name: "(\w+)"', body)
        if not name:
            continue
        dependencies = []
        found = re.search(r"dependencies: \[", body)
        if found:
            inner = bracketed(body, found.end() - 1, "[]")
            tail = body[found.end() + len(inner):]
            for item in re.findall(r'\.product\(name: "(\w+)"[^)]*\)|"(\w+)"|(\b[a-z]\w*\b)', inner):
                product, target, variable = item
                if product or target:
                    dependencies.append(product or target)
                elif variable in named or variable in lists:
                    dependencies += named.get(variable, lists.get(variable, []))
            for variable in re.findall(r"\+\s*(\w+)", tail):
                dependencies += lists.get(variable, [])
        path = re.search(r'path: "([^"]+)"', body)
        default = ("Tests/" if match.group(1) == "testTarget" else "Sources/") + name.group(1)
        targets[name.group(1)] = {
            "dependencies": dependencies, "path": path.group(1) if path else default,
            "kind": match.group(1),
        }
    return targets


def imports(path):
    pattern = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+"
                         r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)")
    inside_text = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = pattern.match(line)
        if found and not inside_text:
            yield number, found.group(1), line
        if line.count('"""') % 2:
            inside_text = not inside_text


@test
def every_import_is_an_arrow_of_the_manifest():
    for name, target in manifest().items():
        if target["kind"] == "systemLibrary":
            continue
        allowed = set(SYSTEM_MODULES)
        for dependency in target["dependencies"]:
            allowed |= PRODUCT_MODULES.get(dependency, {dependency})
        for path in swift_files(target["path"]):
            for number, module, line in imports(path):
                if module not in allowed and not ALLOW.search(line):
                    finding((relative(path), number), f"{name} imports {module}, which is not among its dependencies",
                            "arrows are in Package.swift; move the code down, or argue for the arrow there")


@test
def c_libraries_and_the_command_line_have_one_owner():
    for module, owners in ONLY_IN.items():
        for path in swift_files("Sources"):
            if path.relative_to(ROOT / "Sources").parts[0] in owners:
                continue
            for number, imported, _ in imports(path):
                if imported == module:
                    finding((relative(path), number), f"{module} is imported outside {' and '.join(owners)}", f"use {owners[0]}'s public face")


@test
def no_foundation_where_start_up_and_speed_matter():
    for path in swift_files("Sources"):
        place = relative(path)
        module = path.relative_to(ROOT / "Sources").parts[0]
        if module not in NO_FOUNDATION and not place.startswith(NO_FOUNDATION_FOLDERS):
            continue
        for number, imported, line in imports(path):
            if imported.startswith("Foundation") and not ALLOW.search(line):
                finding((place, number), f"{module} imports {imported}", "use Glibc or the standard library")


def code_only(line, inside):
    """A line without comments and string contents; `inside`: within a multi-line string."""
    out, i = [], 0
    while i < len(line):
        if inside:
            end = line.find('"""', i)
            if end < 0:
                return "".join(out), True
            inside, i = False, end + 3
        elif line.startswith('"""', i):
            inside, i = True, i + 3
        elif line.startswith("//", i):
            break
        elif line[i] == '"':
            i += 1
            while i < len(line) and line[i] != '"':
                i += 2 if line[i] == "\\" else 1
            i += 1
            out.append('""')
        else:
            out.append(line[i])
            i += 1
    return "".join(out), inside


@test
def banned_calls_name_their_replacement():
    for path in swift_files("Sources"):
        place, inside, above = relative(path), False, ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code, inside = code_only(line, inside)
            allowed = ALLOW.search(line) or ALLOW.search(above)
            above = line
            for pattern, cause, remedy in BANNED:
                if "clock" in cause and place.startswith(CLOCK_OWNER):
                    continue
                # An unfinished place is written in a comment; everything else in code.
                text = line if "unfinished" in cause else code
                if re.search(pattern, text) and not allowed:
                    finding((place, number), cause, f"{remedy}; or `// tidy: allow REASON`")


@test
def files_are_small_and_say_what_they_are_for():
    for folder in ("Sources", "Tests"):
        for path in swift_files(folder):
            lines = path.read_text().splitlines()
            if len(lines) > LINES_MAX:
                finding(relative(path), f"{len(lines)} lines, more than {LINES_MAX}", "one type a file, or Type+Concern.swift")
            if path.name == "Placeholder.swift":
                finding(relative(path), "a placeholder", "write the module, or remove its target")
            elif folder == "Sources" and not says_its_purpose(lines):
                finding((relative(path), 1), "the first lines do not say what the file is for", "begin with two or three lines of comment")


def says_its_purpose(lines):
    """A comment comes before the first declaration."""
    for line in lines:
        if line.startswith(("//", "/*")):
            return True
        if line.strip() and not re.match(r"\s*(@\S+ )*((public|package|internal) )?import |#", line):
            return False
    return False


def diagnostic_ids():
    """Ids of findings: the string constants in files called …DiagnosticIDs.swift."""
    for path in swift_files("Sources"):
        if not path.name.endswith(("DiagnosticIDs.swift", "DiagnosticID.swift")):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0]
            for name in re.findall(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"', code):
                yield path, number, name


@test
def every_diagnostic_id_has_a_fail_case():
    found = False
    for path, number, name in diagnostic_ids():
        found = True
        case = ROOT / "Tests/Golden/Fail" / name
        # A fact's mistake is shown in a facts file, a budget's in a budget file, every other one in a notebook.
        source = next((name for name in ("facts.yml", "budgets.yml") if (case / name).is_file()), "input.md")
        missing = [file for file in (source, "expected.txt") if not (case / file).is_file()]
        if missing:
            finding((relative(path), number), f"diagnostic `{name}` has no {' and no '.join(missing)} in Tests/Golden/Fail/{name}",
                    "add the smallest notebook that shows it, then `make update`")
    if not found:
        finding("Sources", "no file *DiagnosticIDs.swift lists the diagnostic ids", "list them in one file per module")


@test
def the_top_level_has_only_its_fixed_entries():
    for name in sorted(os.listdir(ROOT)):
        if name not in TOP_LEVEL and not MADE_HERE.match(name):
            finding(name, "not an entry of the top level", "move it into Sources, Tests, Notebooks or Themes, or out of the checkout")


@test
def the_architecture_page_is_short_and_true():
    page = ROOT / "Notebooks/internals/architecture.md"
    text = page.read_text()
    lines = text.splitlines()
    if len(lines) >= ARCHITECTURE_LINES_MAX:
        finding(relative(page), f"{len(lines)} lines, {ARCHITECTURE_LINES_MAX} or more", "cut what the code says better")
    rows = {}
    for number, line in enumerate(lines, 1):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) == 4 and cells[0].isdigit():
            arrows = set() if cells[3] == "–" else {a.strip(" `") for a in cells[3].split(",")}
            rows[cells[1].strip("`")] = (number, arrows)
    targets = {n: t for n, t in manifest().items() if t["path"].startswith("Sources/")}
    for name, target in targets.items():
        if name not in rows:
            finding(relative(page), f"the module table leaves out {name}", "add its row")
        elif rows[name][1] != set(target["dependencies"]):
            missing = set(target["dependencies"]) ^ rows[name][1]
            finding((relative(page), rows[name][0]), f"{name}'s arrows differ from Package.swift in {', '.join(sorted(missing))}",
                    "make the table say what the manifest says")
    for name in rows.keys() - targets.keys():
        finding((relative(page), rows[name][0]), f"there is no target {name}", "remove the row")
    for number, line in enumerate(lines, 1):
        for path in re.findall(r"`((?:Sources|Tests|Notebooks|Themes|\.ci)/[^`*<>A-Z]*[^`*<>]*)`", line):
            if not any(c in path for c in "*<>…") and "NAME" not in path and "NN" not in path and not (ROOT / path).exists():
                finding((relative(page), number), f"{path} does not exist", "name a real file")


@test
def links_between_pages_lead_somewhere():
    made_by_run = {"optimization-log.md"}
    for path in [ROOT / "README.md", *sorted((ROOT / "Notebooks").rglob("*.md"))]:
        fenced = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            mark = re.match(r"\s*(`{3,}|~{3,})", line)
            if mark:
                fenced = mark.group(1) if fenced is None else None if line.strip().startswith(fenced) else fenced
                continue
            if fenced:
                continue
            for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", line):
                if re.match(r"[a-z]+:", target) or Path(target).name in made_by_run:
                    continue
                if not (path.parent / target).exists():
                    finding((relative(path), number), f"the link to {target} leads nowhere", "correct or remove it")


def check_examples(nb):
    """Notebooks as they are, and the perf examples of README, parse without errors."""
    for path in sorted((ROOT / "Notebooks").glob("*.md")):
        if path.name != "optimization-log.md":
            done = subprocess.run([nb, "check", str(path)], capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                finding(relative(path), "`nb check` finds errors", done.stderr.strip()[:2000].replace("\n", "\n    "))
    blocks = re.findall(r"^```perf\n.*?^```$", (ROOT / "README.md").read_text(), flags=re.M | re.S)
    if blocks:
        with tempfile.TemporaryDirectory() as folder:
            example = Path(folder) / "readme.md"
            example.write_text("\n\n".join(blocks) + "\n")
            done = subprocess.run([nb, "check", str(example)], capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                finding("README.md", "`nb check` finds errors in its examples", done.stderr.strip()[:2000])


def check_picture(nb):
    if not picture.is_true(nb):
        finding("README.md", "its picture is not the plot of the saved results", "make update")


def check_shipped(nb):
    if not shipped.is_true(nb):
        finding("Sources/Trust/Shipped/course.txt", "it is not what the course executes, so its learners would be asked to trust it", "make update")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nb", help="a built nb, for the examples")
    given = parser.parse_args()
    tests = [(t.__name__, t) for t in TESTS]
    if given.nb:
        tests.append(("examples_parse", lambda: check_examples(os.path.abspath(given.nb))))
        tests.append(("the_picture_in_the_readme_is_measured", lambda: check_picture(os.path.abspath(given.nb))))
        tests.append(("the_course_is_trusted_as_it_is", lambda: check_shipped(os.path.abspath(given.nb))))
    passed = failed = 0
    for name, function in tests:
        FINDINGS.clear()
        try:
            function()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            FINDINGS.append(f"{name}: could not be judged: {error}")
        if FINDINGS:
            failed += 1
            print(f"FAIL {name.replace('_', ' ')}")
            for text in FINDINGS:
                print("  " + text)
        else:
            passed += 1
            print(f"ok   {name.replace('_', ' ')}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
