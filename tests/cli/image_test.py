#!/usr/bin/env python3
"""Container images. Real tools make them (umoci, skopeo), and what umoci unpacks is what tfdoctor must see.

usage: image_test.py TFDOCTOR LAY_ENVIRONMENT DUMP_TREE [unittest options]
"""
import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import unittest

import from_test
import json_schema
from from_test import run, without_run

DUMP_TREE = ""
LIMIT = 120


def tool(*arguments):
    done = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.stdout.decode()}")
    return done.stdout.decode()


def member(name, kind=tarfile.REGTYPE, content=b"", target="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, len(content), target, mode
    return info, content


def write_layer(path, members, form=tarfile.GNU_FORMAT):
    with tarfile.open(path, "w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


class Images(from_test.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.layout = cls.folder / "layout"
        tool("umoci", "init", "--layout", cls.layout)

    def new(self, name, *layers):
        image = f"{self.layout}:{name}"
        tool("umoci", "new", "--image", image)
        for layer in layers:
            tool("umoci", "raw", "add-layer", "--image", image, layer)
        return image

    def forms(self, image, name):
        """The same image in every form, with what a file of each is called."""
        folder = self.folder / f"forms-{name}"
        folder.mkdir()
        tool("skopeo", "copy", "-q", f"oci:{image}", f"oci:{folder / 'gzip'}:x")
        tool("skopeo", "copy", "-q", "--dest-compress-format", "zstd", "--dest-compress", f"oci:{image}", f"oci:{folder / 'zstd'}:x")
        tool("skopeo", "copy", "-q", f"oci:{image}", f"oci-archive:{folder / 'oci.tar'}:x")
        tool("skopeo", "copy", "-q", f"oci:{image}", f"docker-archive:{folder / 'docker.tar'}:x:latest")
        for archive in ("oci.tar", "docker.tar"):  # as `docker save … | gzip` makes it
            (folder / f"{archive}.gz").write_bytes(gzip.compress((folder / archive).read_bytes(), 1))
        return sorted(folder.iterdir())

    def unpacked(self, image, name):
        bundle = self.folder / f"bundle-{name}"
        tool("umoci", "unpack", *([] if os.geteuid() == 0 else ["--rootless"]), "--image", image, bundle)
        return bundle / "rootfs"

    def dump(self, *arguments):
        return tool(DUMP_TREE, *arguments).splitlines()

    def test_random_layers_are_laid_over_each_other_as_umoci_does(self):
        draw = random.Random(3)
        names = ["a", "b", "c", "d"]
        for turn in range(12):
            layers, there = [], {}
            for number in range(draw.randint(1, 5)):
                members, used = [], set()
                for step in range(draw.randint(1, 14)):
                    path = "/".join(draw.choice(names) for _ in range(draw.randint(1, 3)))
                    parents = {path.rsplit("/", i)[0] for i in range(1, path.count("/") + 1)}
                    # Archives that contradict themselves are unpacked by each tool in its own way.
                    if path in used or any(p in used and there.get(p) != "dir" for p in parents) or any(u.startswith(path + "/") for u in used):
                        continue
                    if any(there.get(p, "dir") != "dir" for p in parents):
                        continue
                    kind = draw.choice(["file", "file", "dir", "link", "whiteout", "opaque"])
                    folder, _, base = path.rpartition("/")
                    prefix = folder + "/" if folder else ""
                    if kind == "whiteout":
                        if path not in there:
                            continue
                        members.insert(0, member(f"{prefix}.wh.{base}"))
                        used.add(path)
                        for known in [k for k in there if k == path or k.startswith(path + "/")]:
                            del there[known]
                        continue
                    if kind == "opaque":
                        if there.get(path) != "dir" or any(u.startswith(path + "/") for u in used):
                            continue
                        members += [member(path, tarfile.DIRTYPE, mode=0o755), member(f"{path}/.wh..wh..opq")]
                        for known in [k for k in there if k.startswith(path + "/")]:
                            del there[known]
                        used.add(path)
                        continue
                    for parent in sorted(parents):
                        if parent not in there:
                            members.append(member(parent, tarfile.DIRTYPE, mode=0o755))
                            there[parent] = "dir"
                            used.add(parent)
                    for known in [k for k in there if k.startswith(path + "/")]:
                        if kind != "dir":
                            del there[known]
                    if kind == "file":
                        members.append(member(path, content=f"{turn} {number} {step}".encode(), mode=draw.choice([0o644, 0o755, 0o600])))
                    elif kind == "dir":
                        members.append(member(path, tarfile.DIRTYPE, mode=draw.choice([0o755, 0o700])))
                    else:
                        members.append(member(path, tarfile.SYMTYPE, target=draw.choice(["a", "../b", "/a/b", "/", "c/d", "nowhere"]), mode=0o777))
                    there[path] = kind
                    used.add(path)
                form = draw.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
                layers.append(write_layer(self.folder / f"random-{turn}-{number}.tar", members, form))
            image = self.new(f"random-{turn}", *layers)
            expected = self.dump("root", self.unpacked(image, f"random-{turn}"))
            with self.subTest(turn):
                self.assertEqual(self.dump("image", self.single(image)), expected)
                if turn % 4 == 0:
                    for form in self.forms(image, f"random-{turn}"):
                        self.assertEqual(self.dump("image", form), expected, form)

    def single(self, image):
        """A layout with this image only."""
        path = self.folder / ("single-" + image.rsplit(":", 1)[1])
        if not path.exists():
            tool("skopeo", "copy", "-q", f"oci:{image}", f"oci:{path}:x")
        return path

    def test_odd_members(self):
        long = "/".join(["a-long-name-of-a-folder" * 4] * 3)
        layer = write_layer(self.folder / "odd.tar", [
            member(long + "/file", content=b"deep"), member("./dot/file", content=b"dot"), member("/absolute", content=b"abs"),
            member("hard", tarfile.LNKTYPE, target="dot/file"), member("soft", tarfile.SYMTYPE, target="x" * 150),
            member("usr/lib/real", content=b"1"), member("lib", tarfile.SYMTYPE, target="usr/lib"), member("empty"),
            member("name with blank\tand tab", content=b"2")], tarfile.PAX_FORMAT)
        over = write_layer(self.folder / "over.tar", [member("lib/added", content=b"through a link")])
        image = self.new("odd", layer, over)
        expected = self.dump("root", self.unpacked(image, "odd"))
        self.assertTrue(any("/usr/lib/added" in line for line in expected))
        self.assertEqual(self.dump("image", self.single(image)), expected)

    def test_nothing_leads_out(self):
        (self.folder / "secret").write_text("outside")
        layer = write_layer(self.folder / "out.tar", [
            member("../../../../secret", content=b"x"), member("a/../../b", content=b"x"), member("up", tarfile.SYMTYPE, target="../../../.."),
            member("abs", tarfile.SYMTYPE, target=str(self.folder / "secret")), member("loop", tarfile.SYMTYPE, target="loop")])
        dump = self.dump("image", self.single(self.new("out", layer)))
        self.assertEqual([line.split()[0] for line in dump], ["/abs", "/loop", "/up"])
        self.assertNotIn("outside", "".join(dump))

    @staticmethod
    def shrink(site, largest=4 << 20):
        """The stand-ins are as large as the real libraries, which is much to pack; RECORD follows."""
        for record in site.glob("*.dist-info/RECORD"):
            lines = []
            for line in record.read_text().splitlines():
                path, digest, size = line.rsplit(",", 2)
                if size and int(size) > largest and (site / path).is_file():
                    os.truncate(site / path, largest)
                    size = str(largest)
                lines.append(f"{path},{digest},{size}")
            record.write_text("\n".join(lines) + "\n")

    def make_tensorflow(self):
        """A root with Python and TensorFlow in three layers, its Python in the configuration."""
        if hasattr(Images, "made"):
            return Images.made
        root = self.folder / "tf-root"
        from_test.make_root(root, self.environment)
        self.shrink(next((root / "opt/venv/lib").glob("python3*")) / "site-packages")
        (root / "app").mkdir()
        (root / "app/train.py").write_text("import os\nimport tensorflow as tf\n")
        with open(root / "app/a-dataset", "w") as dataset:  # so that the program lies far inside its layer
            dataset.truncate(40 << 20)
        (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\ntrainer:x:1234:1234::/app:/bin/sh\n")
        layers = []
        for number, parts in enumerate((["usr", "bin", "lib", "lib64", "etc"], ["opt"], ["app", "proc", "sys", "dev"])):
            path = self.folder / f"tf-{number}.tar"
            tool("tar", "-C", root, "--sort=name", "-cf", path, *parts)
            layers.append(path)
        image = self.new("tf", *layers)
        tool("umoci", "config", "--image", image, "--config.env", "PATH=/opt/venv/bin:/usr/bin", "--config.env",
             "TF_CPP_MIN_LOG_LEVEL=2", "--config.workingdir", "/app", "--config.user", "trainer", "--config.entrypoint", "python",
             "--config.cmd", "-s", "--config.cmd", "train.py")
        Images.made = image, self.unpacked(image, "tf")
        return Images.made

    def test_an_image_is_judged_like_its_root(self):
        image, root = self.make_tensorflow()
        for form in self.forms(image, "judged"):
            with self.subTest(form):
                answer = self.answer("--facts", "--image", form, "--python", "/opt/venv", "--script", "/app/train.py", "--assume", "gpu=RTX 4090")
                of_root = self.answer("--facts", "--root", root, "--python", "/opt/venv", "--script", "/app/train.py", "--python-flags",
                                      "-s", "--assume", "gpu=RTX 4090", "--env", "PATH=/opt/venv/bin:/usr/bin", "--env", "TF_CPP_MIN_LOG_LEVEL=2")
                self.assertEqual({link["link"]: link["state"] for link in answer["chain"]}["cuda-libraries"], "ok")
                for key in ("verdict", "causes", "chain", "unchecked", "explained"):
                    self.assertEqual(answer[key], of_root[key], key)
                for facts in (answer["facts"], of_root["facts"]):
                    facts["driver_answers"] = facts["process"] = None
                    for gone in ("keras_config",):  # of the home folder of another user
                        del facts["python"][gone]
                self.maxDiff = 5000
                self.assertEqual(answer["facts"]["tensorflow"], of_root["facts"]["tensorflow"])
                self.assertEqual(answer["facts"]["cuda_libraries"]["opened"], of_root["facts"]["cuda_libraries"]["opened"])

    def test_its_configuration_counts(self):
        image, _ = self.make_tensorflow()
        facts = self.answer("--facts", "--image", self.single(image))["facts"]
        self.assertEqual(facts["python"]["interpreter"]["value"], "/opt/venv/bin/python")
        self.assertEqual(facts["program"]["file"]["value"], "/app/train.py")
        self.assertEqual(facts["environment"]["variables"]["value"]["TF_CPP_MIN_LOG_LEVEL"]["value"], "2")
        self.assertEqual(facts["environment"]["variables"]["value"]["CUDA_VISIBLE_DEVICES"]["state"], "absent")
        stated = self.answer("--facts", "--image", self.single(image), "--env", "TF_CPP_MIN_LOG_LEVEL=0")["facts"]
        self.assertEqual(stated["environment"]["variables"]["value"]["TF_CPP_MIN_LOG_LEVEL"]["value"], "0")
        unknown = self.answer("--image", self.single(image))
        self.assertEqual((unknown["verdict"], [(cause["id"], cause["effect"]) for cause in unknown["causes"]]),
                         ("unknown", [("log-level-hides-messages", "harmless")]))
        self.assertIn(f"Judged is the image {self.single(image)}", self.text("--image", self.single(image), "--width", "300"))

    def tensorflow_layers(self):
        self.make_tensorflow()
        return [self.folder / f"tf-{number}.tar" for number in range(3)]

    def test_its_command_is_followed(self):
        extra = write_layer(self.folder / "commands.tar", [
            member("opt/venv/bin/serve", content=b"#!/opt/venv/bin/python\nimport tensorflow\n", mode=0o755),
            member("entry.sh", content=b'#!/bin/sh\nexec "$@"\n', mode=0o755), member("start.sh", content=b"#!/bin/sh\n", mode=0o755)])
        layers = [*self.tensorflow_layers(), extra]
        configuration = {"Env": ["PATH=/usr/bin", "CUDA_VISIBLE_DEVICES=0"], "WorkingDir": "/app"}
        for command, script, devices in (
                ({"Cmd": ["/bin/sh", "-c", "cd /; . opt/venv/bin/activate && CUDA_VISIBLE_DEVICES=1 python app/train.py"]}, "//app/train.py", "1"),
                ({"Entrypoint": ["/entry.sh"], "Cmd": ["env", "CUDA_VISIBLE_DEVICES=-1", "/opt/venv/bin/python", "train.py"]}, "/app/train.py", "-1"),
                ({"Cmd": ["/opt/venv/bin/serve", "app:app"]}, "/opt/venv/bin/serve", "0")):
            with self.subTest(command):
                facts = self.answer("--facts", "--image", self.saved("command.tar", layers, {**configuration, **command}))["facts"]
                self.assertRegex(facts["python"]["interpreter"]["value"], "^/opt/venv/bin/python$|^//opt/venv/bin/python$")
                self.assertEqual(facts["program"]["file"]["value"], script)
                self.assertEqual(facts["environment"]["variables"]["value"]["CUDA_VISIBLE_DEVICES"]["value"], devices)
        # What is not followed may start any Python: that of PATH lacking TensorFlow proves nothing.
        image = self.saved("command.tar", layers, {**configuration, "Entrypoint": ["/start.sh"]})
        answer = self.answer("--facts", "--image", image, "--assume", "gpu=H100")
        self.assertEqual([(cause["id"], cause["state"]) for cause in answer["causes"]], [("tensorflow-not-installed", "open")])
        doubt = "the command of the image (start.sh) may start another Python than the one on its PATH"
        self.assertEqual(answer["facts"]["python"]["unread"]["value"], [doubt])
        self.assertIn(doubt, self.text("--image", image, "--width", "300"))
        path = self.folder / "command.tfdoctor"
        self.text("record", "-o", path, "--no-redact", "--image", image, "--assume", "gpu=H100", status=0)
        self.assertEqual(without_run(self.answer("--facts", "--from", path)), without_run(answer))
        self.assertEqual(self.answer("--image", image, "--python", "/opt/venv", "--assume", "gpu=H100")["causes"], [])
        self.assertNotIn(doubt, self.text("--image", image, "--python", "/opt/venv", "--width", "300"))

    def test_what_lies_behind_much_that_was_kept(self):
        # More libraries than are kept at first, then the system, and its accounts last of all.
        filler = write_layer(self.folder / "filler.tar", [member(f"a/libcu{i}.so", content=b"\0" * (1 << 20)) for i in range(40)])
        accounts = "".join(f"user{i}:x:{2000 + i}:{2000 + i}::/home/user{i}:/bin/sh\n" for i in range(3000)) + "late:x:1234:1234::/home/late:/bin/sh\n"
        last = write_layer(self.folder / "last.tar", [member("etc/passwd", content=accounts.encode()), member(
            "home/late/.keras/keras.json", content=b'{"backend": "torch"}')])
        layers = [filler, *self.tensorflow_layers(), last]
        configuration = {"Env": ["PATH=/opt/venv/bin:/usr/bin"], "User": "late", "Cmd": ["python"]}
        at_home = {**configuration, "Env": [*configuration["Env"], "HOME=/home/late"]}
        answer = self.answer("--facts", "--image", self.saved("late.tar", layers, at_home), "--assume", "gpu=H100")
        # Keras passes over a home that its user may not write to; root might.
        self.assertEqual(answer["facts"]["python"]["keras_config"]["state"], "absent")
        self.assertEqual({link["link"]: link["state"] for link in answer["chain"]}["cuda-libraries"], "ok")
        self.assertEqual([u["why"] for u in answer["unchecked"] if "were not read" in u["why"]], [])
        self.refused("--image", self.saved("late.tar", layers, {**configuration, "User": "nobody-here"}),
                     says="its USER nobody-here is not in its /etc/passwd")

    def test_it_can_be_recorded(self):
        image, _ = self.make_tensorflow()
        path = self.folder / "image.tfdoctor"
        self.text("record", "-o", path, "--no-redact", "--image", self.single(image), status=0)
        self.assertEqual(without_run(self.answer("--facts", "--from", path)), without_run(self.answer("--facts", "--image", self.single(image))))

    def test_it_is_compared_with_a_root(self):
        image, root = self.make_tensorflow()
        question = ["--python", "/opt/venv", "--env", "PATH=/opt/venv/bin:/usr/bin", "--env", "TF_CPP_MIN_LOG_LEVEL=0", "--assume", "gpu=H100"]
        archive = next(form for form in self.forms(image, "compared") if form.name == "docker.tar.gz")
        done = run("diff", archive, root, *question, "--format", "json")
        answer = json_schema.parsed(done.stdout, "diff-1")
        # The program, with its folder on sys.path, is of the image's own command.
        self.assertEqual([d["fact"] for d in answer["differences"] if not d["fact"].startswith(("program.", "python.sys_path"))], [], done.stdout)
        self.assertEqual((answer["a"]["name"], answer["a"]["verdict"], answer["b"]["verdict"]), (f"the image {archive}", "gpu-usable", "gpu-usable"))
        self.assertEqual(run("diff", self.single(image), archive, "--assume", "gpu=H100").returncode, 0)

    def test_layers_that_are_wrong(self):
        image, _ = self.make_tensorflow()
        for change in ("missing", "cut", "swapped", "damaged", "another", "number"):
            with self.subTest(change):
                path = self.folder / f"wrong-{change}"
                shutil.copytree(self.single(image), path)
                blobs = path / "blobs/sha256"
                index = json.loads((path / "index.json").read_text())
                digest = index["manifests"][0]["digest"].split(":")[1]
                manifest = json.loads((blobs / digest).read_text())
                first = blobs / manifest["layers"][0]["digest"].split(":")[1]
                says = "layer 1 of 3"
                if change == "missing":
                    first.unlink()
                elif change == "cut":
                    first.write_bytes(first.read_bytes()[:-5000])
                elif change == "damaged":
                    whole = bytearray(first.read_bytes())
                    whole[len(whole) // 2] ^= 0xFF
                    first.write_bytes(whole)
                elif change == "another":
                    layer = write_layer(self.folder / "another.tar", [member("x", content=b"x")])
                    first.write_bytes(gzip.compress(layer.read_bytes()))
                else:
                    layers = manifest["layers"]
                    manifest["layers"] = layers[::-1] if change == "swapped" else layers[:2]
                    (blobs / digest).write_text(json.dumps(manifest))
                    says = "not in the order" if change == "swapped" else "2 layers, but its configuration names 3"
                self.refused("--image", path, says=says)

    def saved(self, name, layers, configuration, order=None):
        """What `docker save` writes. `order`: in which the manifest names the layers, when not in that of the configuration."""
        digests = ["sha256:" + hashlib.sha256(layer.read_bytes()).hexdigest() for layer in layers]
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": configuration,
                             "rootfs": {"type": "layers", "diff_ids": digests}}).encode()
        manifest = json.dumps([{"Config": "config.json", "Layers": [layers[i].name for i in order or range(len(layers))]}]).encode()
        path = write_layer(self.folder / name, [member("config.json", content=config), member("manifest.json", content=manifest)])
        with tarfile.open(path, "a") as archive:
            for layer in layers:
                archive.add(layer, layer.name)
        return path

    def index_of(self, name, entries):
        """A layout whose index has these: (what the index says of it, architecture, configuration)."""
        layer = write_layer(self.folder / "tiny.tar", [member("etc/os-release", content=b"ID=tiny\n")]).read_bytes()
        blobs = self.folder / name / "blobs/sha256"
        blobs.mkdir(parents=True)

        def blob(content):
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            digest = hashlib.sha256(content).hexdigest()
            (blobs / digest).write_bytes(content)
            return "sha256:" + digest
        manifests = []
        for said, architecture, configuration in entries:
            config = blob({"architecture": architecture, "os": "linux", "config": configuration, "rootfs": {"diff_ids": [blob(layer)]}})
            manifests.append({**said, "digest": blob({"config": {"digest": config}, "layers": [{"digest": blob(layer)}]})})
        index = {"schemaVersion": 2, "manifests": manifests}
        (self.folder / name / "index.json").write_text(json.dumps(index))
        return self.folder / name, blob(index)

    def judged(self, *arguments):
        """Which image is judged, by a variable that each has otherwise, and how it is called."""
        variables = self.answer("--facts", *arguments)["facts"]["environment"]["variables"]["value"]
        text = self.text(*arguments, "--width", "400")
        said = next(part for part in " ".join(text.split()).split(". ") if part.startswith("Judged is ")) + "."
        return variables["XLA_FLAGS"]["value"], said

    def test_one_of_several_platforms(self):
        def platform(architecture, system="linux"):
            return {"platform": {"os": system, "architecture": architecture}}
        entries = [(platform("arm64"), "arm64", {"Env": ["XLA_FLAGS=arm"]}), (platform("amd64"), "amd64", {"Env": ["XLA_FLAGS=amd"]}),
                   (platform("unknown", "unknown"), "unknown", {})]
        layout, digest = self.index_of("platforms", entries)
        ours, other = ("amd", "arm") if os.uname().machine == "x86_64" else ("arm", "amd")
        flags, said = self.judged("--image", layout)
        self.assertEqual(flags, ours)
        self.assertRegex(said, rf" \(sha256:\w{{12}} \(linux/{ours}64\); it also holds sha256:\w{{12}} \(linux/{other}64\)\)\.$")
        for name in (f"linux/{other}64", f"{other}64"):
            self.assertEqual(self.judged("--image", layout, "--platform", name)[0], other)
        self.assertEqual(self.judged("--image", layout, "--platform", "linux/arm64/v8")[0], "arm")
        self.refused("--image", layout, "--platform", "linux/s390x", says="it is not for linux/s390x, but sha256:")
        self.refused("--platform", "linux/arm64", says="--platform goes with --image")
        # As docker's own layout has it: the index of the platforms below the one of the names.
        (layout / "index.json").write_text(json.dumps({"manifests": [{"digest": digest, "annotations": {"io.containerd.image.name": "docker.io/library/app:2"}}]}))
        self.assertEqual(self.judged("--image", layout)[0], ours)
        self.assertEqual(self.judged("--image", f"{layout}:app:2", "--platform", "arm64")[0], "arm")
        self.refused("--image", f"{layout}:app:3", says="no image app:3, but docker.io/library/app:2")
        # None is for this machine: the first, and it says so.
        layout, _ = self.index_of("elsewhere", [(platform("ppc64le"), "ppc64le", {"Env": ["XLA_FLAGS=ppc"]}), (platform("s390x"), "s390x", {})])
        flags, said = self.judged("--image", layout)
        self.assertEqual(flags, "ppc")
        self.assertIn(" (linux/ppc64le); it also holds ", said)
        # One whose index does not say for what it is.
        layout, _ = self.index_of("unsaid", [({}, "arm64", {"Env": ["XLA_FLAGS=arm"]})])
        self.assertEqual(self.judged("--image", layout, "--platform", "arm64")[0], "arm")
        self.refused("--image", layout, "--platform", "amd64", says="it is not for amd64, but linux/arm64")

    def test_one_of_several_names(self):
        def named(name):
            return {"annotations": {"org.opencontainers.image.ref.name": name}}
        one, two = ("amd64", {"Env": ["XLA_FLAGS=one"]}), ("amd64", {"Env": ["XLA_FLAGS=two"]})
        layout, _ = self.index_of("names", [(named("1.0"), *one), (named("2.0"), *two), (named("stable"), *one)])
        self.refused("--image", layout, says="it holds 2 images: 1.0, 2.0; name one behind a colon (FILE:NAME)")
        self.refused("--image", f"{layout}:3.0", says="it holds no image 3.0, but 1.0, 2.0, stable")
        self.assertEqual(self.judged("--image", f"{layout}:2.0"), ("two", f"Judged is the image {layout} (2.0; it also holds 1.0, stable)."))
        self.assertEqual(self.judged("--image", f"{layout}:stable")[0], "one")
        done = run("diff", f"{layout}:1.0", f"{layout}:2.0", "--format", "json")
        self.assertEqual([d["b"]["value"] for d in json_schema.parsed(done.stdout, "diff-1")["differences"] if d["fact"].endswith(".XLA_FLAGS")], ["two"])
        # The same image twice is one.
        layout, _ = self.index_of("twice", [(named("1.0"), *one), (named("stable"), *one)])
        self.assertEqual(self.judged("--image", layout), ("one", f"Judged is the image {layout}."))
        # Whoever gave no names has digests.
        layout, _ = self.index_of("unnamed", [({}, *one), ({}, *two)])
        self.refused("--image", layout, says="it holds 2 images: sha256:")
        digest = json.loads((layout / "index.json").read_text())["manifests"][1]["digest"]
        self.assertEqual(self.judged("--image", f"{layout}:{digest[:20]}")[0], "two")

    def test_several_that_were_saved_together(self):
        layer = write_layer(self.folder / "tiny.tar", [member("etc/os-release", content=b"ID=tiny\n")])
        parts, manifest = [], []
        for number, tags in ((1, ["app:1", "app:latest"]), (2, ["registry.example:5000/team/app:2"])):
            config = {"architecture": "amd64", "os": "linux", "config": {"Env": [f"XLA_FLAGS={number}"]}, "rootfs": {}}
            parts.append(member(f"{number}.json", content=json.dumps(config).encode()))
            manifest.append({"Config": f"{number}.json", "RepoTags": tags, "Layers": ["layer.tar"]})
        path = write_layer(self.folder / "several.tar", [member("layer.tar", content=layer.read_bytes()), *parts,
                                                         member("manifest.json", content=json.dumps(manifest).encode())])
        packed = self.folder / "several.tar.gz"
        packed.write_bytes(gzip.compress(path.read_bytes(), 1))
        for file in (path, packed):
            self.refused("--image", file, says="it holds 2 images: app:1 (linux/amd64), registry.example:5000/team/app:2 (linux/amd64); name one")
            for name, flags in (("app:1", "1"), ("app", "1"), ("app:2", "2"), ("registry.example:5000/team/app:2", "2"), ("team/app:2", "2")):
                self.assertEqual(self.judged("--image", f"{file}:{name}")[0], flags, name)
            self.refused("--image", f"{file}:other", says="it holds no image other, but app:1")

    def test_large_layers_in_a_wrong_order(self):
        layers = []
        for number, size in enumerate((34 << 20, 35 << 20, 36 << 20)):
            content = member("data", content=bytes(size))
            layers.append(write_layer(self.folder / f"large-{number}.tar", [content, member(f"layer-{number}", content=b"x")]))
        self.answer("--image", self.saved("large.tar", layers, {}))
        for order in ((1, 0, 2), (2, 1, 0), (0, 2, 1)):
            self.refused("--image", self.saved("large.tar", layers, {}, order), says="not in the order")

    def test_what_is_no_image(self):
        bad = self.folder / "bad"
        for content, says in ((b"", "neither an OCI layout"), (b"hello" * 1000, "no tar archive"), (b"\x28\xb5\x2f\xfd" + b"x" * 50, "uncompress it first"),
                              (b"\x1f\x8b" + b"x" * 50, "gzip data is damaged"), (gzip.compress(b"hello" * 1000), "no tar archive")):
            bad.write_bytes(content)
            self.refused("--image", bad, says=says)
        write_layer(bad, [member("some/file", content=b"x")])
        self.refused("--image", bad, says="neither an OCI layout")
        for name, content, says in (("manifest.json", b"[]", "names no image"), ("manifest.json", b"{", "not JSON"),
                                    ("manifest.json", b'[{"Config": "c.json", "Layers": []}]', "no layers"),
                                    ("manifest.json", b'[{"Config": "c.json", "Layers": ["../../etc/passwd"]}]', "layer 1 of 1 is missing"),
                                    ("index.json", b'{"manifests": []}', "names no image"), ("index.json", b"[" * 100000, "not JSON"),
                                    ("index.json", b'{"manifests": [{"digest": "sha256:../../x"}]}', "it has no")):
            write_layer(bad, [member(name, content=content)])
            self.refused("--image", bad, says=says)
        image, _ = self.make_tensorflow()
        whole = gzip.compress(next(form for form in self.forms(image, "cut") if form.name == "docker.tar").read_bytes(), 1)
        bad.write_bytes(whole[:-5000])
        self.refused("--image", bad, says="it is cut short")
        self.refused("--image", "/no/such/image", says="no such file")
        self.refused("--image", "/dev/null", says="neither a file nor a folder")
        self.refused("--image", bad, "--root", "/", says="different machines")
        self.refused("--image", bad, "--all", says="--all")


if __name__ == "__main__":
    from_test.BINARY, from_test.LAY_ENVIRONMENT, DUMP_TREE = (os.path.abspath(argument) for argument in sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
