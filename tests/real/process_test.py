#!/usr/bin/env python3
"""A notebook kernel that a real Jupyter started, in an environment that differs from the shell's.

usage: process_test.py [unittest options]
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import environments
import json_schema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TFDOCTOR = pathlib.Path(os.environ.get("TFDOCTOR") or ROOT / "build" / "tfdoctor")

START = """
import sys
from jupyter_client.manager import KernelManager
manager = KernelManager(kernel_name="gpu")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
shown = []
client.execute_interactive("import os; os.environ['LD_LIBRARY_PATH'] = '/late'; print(os.getpid())",
                           output_hook=lambda message: shown.append(message["content"].get("text", "")), timeout=60)
print("".join(shown).strip(), flush=True)
sys.stdin.readline()
manager.shutdown_kernel(now=True)
"""


class Kernels(unittest.TestCase):
    def test_a_kernel_is_judged_as_jupyter_started_it(self):
        folder = environments.ensure("jupyter")
        python = str(folder / "bin/python")
        with tempfile.TemporaryDirectory() as home:
            env = {"PATH": "/usr/bin:/bin", "HOME": home, "JUPYTER_PATH": f"{home}/share/jupyter", "CUDA_VISIBLE_DEVICES": "0"}
            subprocess.run([python, "-m", "ipykernel", "install", "--prefix", home, "--name", "gpu", "--env", "CUDA_VISIBLE_DEVICES", "-1",
                            "--env", "TF_GPU_ALLOCATOR", "cuda_malloc_async"], env=env, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            jupyter = subprocess.Popen([python, "-c", START], env=env, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                pid = jupyter.stdout.readline().strip()
                self.assertRegex(pid, r"^\d+$")
                done = subprocess.run([TFDOCTOR, "--pid", pid, "--format", "json", "--facts"], stdout=subprocess.PIPE,
                                      env={"PATH": "/nowhere", "CUDA_VISIBLE_DEVICES": "3"}, timeout=60)
                facts = json_schema.parsed(done.stdout)["facts"]
            finally:
                jupyter.stdin.close()
                jupyter.wait(timeout=60)
                jupyter.stdout.close()
        variables = facts["environment"]["variables"]["value"]
        self.assertEqual(variables["CUDA_VISIBLE_DEVICES"]["value"], "-1")
        self.assertEqual(variables["TF_GPU_ALLOCATOR"]["value"], "cuda_malloc_async")
        self.assertEqual(variables["LD_LIBRARY_PATH"]["state"], "absent", "its loader did not read what it set later")
        self.assertEqual(facts["python"]["interpreter"]["value"], python)
        self.assertIn("ipykernel_launcher", facts["process"]["command"]["value"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *[a for a in sys.argv[1:] if a != "--all"]])
