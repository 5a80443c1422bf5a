// A recording: what was asked comes back as it was, what was not asked is unknown, what is broken is refused,
// and a redacted one holds no secret.
#include "system/recording.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <cerrno>
#include <memory>

#include "python/program.h"
#include "redaction/redaction.h"
#include "system/caching.h"
#include "system/error.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

class Recorded : public testing::Test {
 protected:
  Recorded() : nothing_(EmptySystem()), machine_(*nothing_) {
    machine_.AddFile("/etc/numbers", "0123456789");
    machine_.AddSymlink("/etc/link", "numbers");
    machine_.AddSymlink("/etc/nowhere", "/not/there");
    machine_.AddDirectory("/empty");
    machine_.AddDevice("/dev/nvidia0", 0xc300, 0660);
    machine_.AddFile("/secret", "x");
    machine_.Fail("/secret", FileError("/secret", EACCES));
    machine_.SetEnv("SET", "a value\nof two lines");
    machine_.SetKernelLog("line\n");
  }

  ReplaySystem Replay() const {
    Result<Recording> read = UnpackRecording(PackRecording(recording_));
    EXPECT_TRUE(read.ok()) << read.error().message;
    return ReplaySystem(std::move(*read));
  }

  std::unique_ptr<System> nothing_;
  OverlaySystem machine_;
  Recording recording_;
};

TEST_F(Recorded, GivesTheSameAnswers) {
  const RecordingSystem recorder(machine_, recording_);
  auto ask = [](const System& system) {
    std::string all;
    auto add = [&](const auto& answer, auto&& text) {
      all += answer.ok()
                 ? text(*answer)
                 : "[" + std::to_string(static_cast<int>(answer.error().kind)) + answer.error().message + "]";
      all += "\n";
    };
    auto same = [](const std::string& text) { return text; };
    auto stat = [](const FileStat& s) {
      return std::to_string(static_cast<int>(s.type)) + " " + std::to_string(s.size) + " " +
             std::to_string(s.mode) + " " + std::to_string(s.rdev);
    };
    for (const char* path : {"/etc/numbers", "/etc/link", "/etc/nowhere", "/empty", "/dev/nvidia0", "/secret",
                             "/gone", "/gone/x"}) {
      add(system.Read(path, 2, 3), same);
      add(system.Read(path, 0, 100), same);
      add(system.ReadLink(path), same);
      add(system.RealPath(path), same);
      add(system.Stat(path), stat);
      add(system.LStat(path), stat);
      add(system.MayAccess(path, Access::kReadWrite),
          [](bool may) { return std::to_string(static_cast<int>(may)); });
      add(system.List(path),
          [](const std::vector<DirEntry>& entries) { return std::to_string(entries.size()); });
    }
    add(system.List("/etc"), [](const std::vector<DirEntry>& entries) {
      std::string names;
      for (const DirEntry& e : entries) names += e.name + std::to_string(static_cast<int>(e.type)) + " ";
      return names;
    });
    add(system.List("/etc", 1), [](const auto&) { return std::string("all"); });
    add(system.KernelLog(), same);
    all += system.Env("SET").value_or("-") + system.Env("UNSET").value_or("-");
    return all + system.Machine() + system.WorkingDirectory() + std::to_string(system.EffectiveUser());
  };
  const std::string live = ask(recorder);
  EXPECT_NE(live.find("numbers0"), std::string::npos) << live;
  EXPECT_EQ(ask(Replay()), live);
}

TEST_F(Recorded, WhatWasNotAskedIsUnknownAndNotAbsent) {
  {
    const RecordingSystem recorder(machine_, recording_);
    (void)recorder.Read("/etc/numbers", 2, 3);
    (void)recorder.List("/etc");
    (void)recorder.LStat("/gone");
    (void)recorder.Env("UNSET");
    (void)recorder.Stat("/etc/nowhere");
  }
  const ReplaySystem replay = Replay();
  EXPECT_EQ(replay.Read("/etc/numbers", 3, 2).value_or("?"), "34");
  for (const Error& error :
       {replay.Read("/etc/numbers", 2, 4).error(), replay.Read("/etc/numbers", 0, 1).error(),
        replay.Stat("/etc/link").error(), replay.List("/empty").error(), replay.Stat("/elsewhere").error(),
        replay.KernelLog().error(), replay.LStat("/etc/nowhere").error(),
        replay.MayAccess("/etc/numbers", Access::kRead).error()}) {
    EXPECT_EQ(error.kind, ErrorKind::kIo);
    EXPECT_NE(error.message.find("not recorded"), std::string::npos) << error.message;
  }
  // What follows from what was asked is known.
  EXPECT_TRUE(replay.Stat("/etc/other").not_found());
  EXPECT_TRUE(replay.Read("/etc/other/below", 0, 1).not_found());
  EXPECT_TRUE(replay.List("/gone/a/b").not_found());
  EXPECT_TRUE(replay.Stat("/etc/nowhere/x").not_found());
  EXPECT_TRUE(replay.KnowsVariable("UNSET"));
  EXPECT_FALSE(replay.KnowsVariable("SET"));
  EXPECT_EQ(replay.RunChildren({{{"driver-child", "cuda", "/x"}, {}}}, {}).front().why, "not recorded");
}

TEST_F(Recorded, PiecesOfAFileAreJoined) {
  RecordedPath path;
  path.AddPiece(4, 2, "45");
  path.AddPiece(0, 2, "01");
  path.AddPiece(8, 2, "89");
  EXPECT_FALSE(path.Piece(0, 6));
  path.AddPiece(1, 4, "1234");
  EXPECT_EQ(path.Piece(0, 6), "012345");
  EXPECT_FALSE(path.Piece(0, 8));
  path.AddPiece(5, 5, "56789");
  EXPECT_EQ(path.pieces.size(), 1U);
  EXPECT_EQ(path.Piece(0, 10), "0123456789");
  EXPECT_FALSE(path.Piece(8, 3)) << "whether it ends there is not known";
  path.AddPiece(10, 4, "");
  EXPECT_EQ(path.Piece(8, 3), "89");
  EXPECT_EQ(path.Piece(400, 3), "");
}

TEST_F(Recorded, ChildrenAnswerAsTheyDid) {
  ChildEnd end;
  end.how = ChildEnd::How::kSignal;
  end.number = 11;
  end.output = std::string("call cuInit\n\0x", 14);
  machine_.SetChildAnswer("driver-child cuda /x", end);
  const std::vector<ChildTask> tasks = {{{"driver-child", "cuda", "/x"}, {}},
                                        {{"driver-child", "cuda", "/y"}, {"HIDES"}}};
  {
    const RecordingSystem recorder(machine_, recording_);
    EXPECT_EQ(recorder.RunChildren(tasks, {}).size(), 2U);
  }
  const std::vector<ChildEnd> again = Replay().RunChildren(tasks, {});
  EXPECT_EQ(again[0].how, ChildEnd::How::kSignal);
  EXPECT_EQ(again[0].number, 11);
  EXPECT_EQ(again[0].output, end.output);
  EXPECT_EQ(again[1].how, ChildEnd::How::kRefused);
  EXPECT_EQ(again[1].why, "it was not called");
}

std::string Compressed(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

TEST_F(Recorded, BrokenFilesAreRefused) {
  {
    const CachingSystem cache(machine_);
    const RecordingSystem recorder(cache, recording_);
    (void)recorder.ReadAll("/etc/numbers");
    (void)recorder.List("/etc");
    (void)recorder.Stat("/gone");
  }
  const std::string packed = PackRecording(recording_);
  for (size_t size = 0; size < packed.size(); size++) {
    EXPECT_FALSE(UnpackRecording(packed.substr(0, size)).ok()) << "cut to " << size;
    std::string changed = packed;
    changed[size] = static_cast<char>(changed[size] ^ 0x40);
    const Result<Recording> read = UnpackRecording(changed);
    // The checksum sees all that changes what is said.
    EXPECT_TRUE(!read.ok() || PackRecording(*read) == packed) << "changed at " << size;
  }
  const std::string good = "tfdoctor-recording 1\nend\n";
  EXPECT_TRUE(UnpackRecording(Compressed(good)).ok());
  const std::pair<std::string, std::string> bad[] = {
      {"tfdoctor-recording 2\nend\n", "schema 2"},
      {"tfdoctor-recording 1", "cut short"},
      {"tfdoctor-recording 1\n", "cut short"},
      {"something else\n", "no recording"},
      {good + "more\n", "follows its end"},
      {"tfdoctor-recording 1\nread /x 0 99\nabc\nend\n", "cut short"},
      {"tfdoctor-recording 1\nread /x 18446744073709551615 3\nabc\nend\n", "beyond"},
      {"tfdoctor-recording 1\nread /x 0 2\nabc\nend\n", "do not end"},
      {"tfdoctor-recording 1\nread /x 0 18446744073709551615\nabc\nend\n", "cut short"},
      {"tfdoctor-recording 1\nread /x -1 3\nabc\nend\n", "number"},
      {"tfdoctor-recording 1\nlstat /x q 0 0 0 0 0 0 0\nend\n", "type"},
      {"tfdoctor-recording 1\nlstat /x f 0 0\nend\n", "cut short"},
      {"tfdoctor-recording 1\nerror lstat /x strange words\nend\n", "kind"},
      {"tfdoctor-recording 1\nerror nothing /x io words\nend\n", "nothing known"},
      {"tfdoctor-recording 1\nlink /x %4\nend\n", "cut short"},
      {"tfdoctor-recording 1\nwhat is this\nend\n", "unknown kind"},
      {"tfdoctor-recording 1\nchild a dies 0 % 0\n\nend\n", "no known end"},
  };
  for (const auto& [text, says] : bad) {
    const Result<Recording> read = UnpackRecording(Compressed(text));
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_NE(read.error().message.find(says), std::string::npos) << text << read.error().message;
  }
  // More than a recording can hold, in a few kilobytes.
  const Result<Recording> bomb = UnpackRecording(Compressed(std::string(300U << 20, 'x')));
  ASSERT_FALSE(bomb.ok());
  EXPECT_EQ(bomb.error().kind, ErrorKind::kTooLarge);
}

// --- secrets

struct Planted {
  const char* kind;
  // A file, "$NAME" for a variable, "log", "child", "link", "list", the "name" of a file, the path of a file
  // in a "folder", of a process a "mapped" file or the "command" line.
  const char* where;
  std::string content;  // {} stands for the secret
  std::string secret;
};

const Planted kPlanted[] = {
    {"GitHub token", "$PIP_EXTRA", "{}", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
    {"GitHub fine-grained token", "/w/train.py", "login('{}')",
     "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv"},
    {"GitLab token", "/w/train.py", "x = \"{}\"", "glpat-ABCDEFGHIJ1234567890"},
    {"Hugging Face token", "/w/train.py", "os.environ['HF_TOKEN'] = '{}'",
     "hf_abcdefghijklmnopqrstuvwxyzABCDEF12"},
    {"OpenAI key", "/w/train.py", "openai.api_key = '{}'", "sk-proj-abcDEF123456ghiJKL789"},
    {"Slack token", "/w/train.py", "client = WebClient('{}')", "xoxb-123456789012-abcdefABCDEF"},
    {"AWS key id", "/w/train.py", "boto3.client('s3', '{}')", "AKIAIOSFODNN7EXAMPLE"},
    {"AWS secret", "$AWS_SECRET_ACCESS_KEY", "{}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
    {"AWS session token", "$AWS_SESSION_TOKEN", "{}", "FwoGZXIvYXdzEXAMPLEabc"},
    {"Google key", "/w/train.py", "key = '{}'", "AIzaSyA-1234567890abcdefghijklmnopqrstu"},
    {"Google OAuth token", "/w/train.py", "h = 'Bearer {}'", "ya29.a0AfH6SMBxyz1234567890abc"},
    {"JSON web token", "/etc/pip.conf", "header = {}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123_x"},
    {"npm token", "/w/.npmrc", "//registry/:_authToken={}", "npm_abcdefghijklmnopqrstuvwxyz0123456789"},
    {"PyPI token", "/w/.pypirc", "password = {}", "pypi-AgEIcHlwaS5vcmcCJGFiY2RlZg"},
    {"Docker token", "/w/config.txt", "auth {}", "dckr_pat_ABCdef123456ghiJKL789"},
    {"NVIDIA key", "/w/train.py", "NGC = '{}'", "nvapi-abcdefghijklMNOPQRST1234567890"},
    {"wandb key", "/w/train.py", "wandb.login(key='{}')", "0123456789abcdef0123456789abcdef01234567"},
    {"wandb key in a variable", "$WANDB_API_KEY", "{}", "local-wandb-key-value"},
    {"password in a variable", "$DB_PASSWORD", "{}", "hunter2hunter"},
    {"short password in a file", "/etc/app.conf", "password = {}", "Tr0ub4dor"},
    {"passphrase", "/etc/app.conf", "passphrase: {}", "correct-horse-battery"},
    {"quoted password", "/w/train.py", "connect(password=\"{}\")", "my s3cret pass phrase"},
    {"password in JSON", "/etc/app.json", "{\"password\": \"{}\"}", "jsonPASS99"},
    {"client secret", "/etc/app.conf", "client_secret={}", "ABCxyz_client_secret_value"},
    {"bearer header", "/w/run.sh", "curl -H 'Authorization: Bearer {}'", "opaque-bearer-value-77"},
    {"basic header", "/w/run.sh", "curl -H 'Authorization: Basic {}'", "dXNlcjpwYXNzd29yZA=="},
    {"short basic header", "/w/run.py", "{'Authorization': 'Basic {}'}", "dTpwdw=="},
    {"option on a command line", "/proc/77/cmdline", std::string("python\0train.py\0--api-token\0{}\0", 32),
     "plainlookingvalue"},
    {"option with =", "/proc/77/cmdline", std::string("python\0--wandb_key={}\0", 22), "anothervalue123"},
    {"private key", "/w/train.py", "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
     "MIIEpAIBAAKCAQEA1234+/abcd"},
    {"index password", "$PIP_INDEX_URL", "https://ada:{}@pypi.org/simple", "indexPassw0rd"},
    {"index user and password", "$UV_INDEX_URL", "https://{}@files.pythonhosted.org/simple",
     "svc_user:pw123456"},
    {"index token as user", "/etc/pip.conf", "index-url = https://{}@pypi.org/simple", "tok_abcdef"},
    {"private index", "/etc/pip.conf", "extra-index-url = https://{}/simple", "pypi.acme-rockets.example"},
    {"private index path", "/w/requirements.txt", "--index-url https://nexus.example.com/{}/simple",
     "repository/team-rocket-pypi"},
    {"private repository", "/v/lib/python3/site-packages/x-1.dist-info/direct_url.json",
     "{\"url\": \"https://git.acme.example/{}\"}", "rockets/launcher.git"},
    {"key in a query", "/w/requirements.txt", "https://files.pythonhosted.org/x?{}", "sig=abc123def456"},
    {"channel of conda", "/v/conda-meta/x.json", "{\"channel\": \"https://{}/linux-64\"}",
     "conda.acme-rockets.example:8443"},
    {"proxy", "$HTTPS_PROXY", "http://{}:3128", "proxy.acme-rockets.example"},
    {"IPv4 address", "$MASTER_ADDR", "{}", "10.42.17.3"},
    {"IPv4 address with port", "/w/train.py", "tf.distribute('{}:2222')", "192.168.33.44"},
    {"IPv4 address in TF_CONFIG", "$TF_CONFIG", "{\"cluster\": {\"worker\": [\"{}:12345\"]}}", "172.16.9.8"},
    {"IPv4 address on the kernel command line", "/proc/cmdline", "ip={}:::255.255.255.0", "10.1.2.33"},
    {"IPv6 address", "$MASTER_IPV6", "{}", "2001:db8:85a3::8a2e:370:7334"},
    {"hardware address", "log", "e1000e eth0: {}", "00:1a:2b:3c:4d:5e"},
    {"host name in the log", "log", "systemd[1]: Hostname set to <{}>.", "rocketnode7"},
    {"host name in a variable", "$JOB_HOSTS", "{},other", "rocketnode7"},
    {"host name of a network", "$MASTER_HOST", "{}", "gpu3.cluster.internal"},
    {"user name in a path", "/home/adalovelace/venv/pyvenv.cfg", "home = /usr/bin", "adalovelace"},
    {"user name in a link", "link", "/home/{}/python", "gracehopper"},
    {"user name in a listing", "list", "{}", "maryjackson"},
    {"user name on another disk", "/scratch/annieeasley/x.txt", "x", "annieeasley"},
    {"user name on Windows' disk", "$WSLPATH", "/mnt/c/Users/{}/venv", "katherinej"},
    {"user name in a library's search path", "/usr/lib/liby.so",
     std::string("\x7f"
                 "ELF\0/home/{}/lib\0",
                 19),
     "dorothyv"},
    {"user name of this session", "$NAME_SAID_AGAIN", "by {} alone", "adal"},
    {"account in passwd", "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n{}:x:1001:1001::/srv/q:/bin/sh\n",
     "qaccount"},
    {"person in passwd", "/etc/passwd",
     "root:x:0:0:root:/root:/bin/sh\nz9:x:1002:1002:{},,,:/srv/z:/bin/sh\n", "Zuse Konrad"},
    {"mail address", "/w/train.py", "# ask {} about this", "ada.lovelace@acme-rockets.example"},
    {"author of a private package", "/v/lib/python3/site-packages/x-1.dist-info/METADATA",
     "Name: x\nAuthor: {}\nVersion: 1\n", "Charles Babbage"},
    {"description of a private package", "/v/lib/python3/site-packages/x-1.dist-info/METADATA",
     "Name: x\n\nWritten for {}.\n", "ACME Rockets"},
    {"UUID of a GPU", "child", "device 0 uuid GPU-{}", "46414b45-1234-5678-9abc-def012345678"},
    {"UUID of a disk", "/proc/cmdline", "root=UUID={} ro", "11112222-3333-4444-5555-666677778888"},
    {"serial number of a GPU", "/proc/driver/nvidia/gpus/0/information", "Serial Number: \t {}\n",
     "1320621044711"},
    {"serial number of a stick", "log", "usb 1-1: SerialNumber: {}", "AA04012700008687"},
    {"id of a container", "/proc/self/cgroup", "0::/docker/{}",
     "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"},
    {"id of the machine", "/proc/cmdline", "systemd.machine_id={}", "9f86d081884c7d659a2feaa0c55ad015"},

    {"option of a running program", "command", "python train.py --password {} -v", "hunter2hunter"},
    {"option behind code", "command", "python -c import time;time.sleep(99) --api-token {}",
     "plainlookingvalue"},
    {"option with = behind code", "command", "python -I -c f(key=None) --wandb_key={}", "anothervalue"},
    {"literal in code of a command line", "command", "python -c connect(password='{}')", "my s3cret"},
    {"server on a command line", "command", "python -m x --master {}:2222", "10.42.17.3"},
    {"index on a command line", "command", "pip --index https://svc:{}@pypi.acme.example/simple", "pw4index"},
    {"user on a command line", "command", "python /home/{}/train.py", "gracehopper"},

    {"annotated password", "/w/train.py", "db_password: str = \"{}\"", "annotated-pass"},
    {"annotated parameter", "/w/train.py", "def f(a, token: Optional[str] = '{}'): pass", "parameterpass"},
    {"connection string", "/w/train.py", "connect(\"host=db user=x password={} port=1\")", "hunter2secret"},
    {"server of a connection string", "/w/train.py", "connect(\"host={} dbname=x\")", "db7.acme.example"},
    {"user of a connection string", "/w/train.py", "connect(\"dbname=x user={}\")", "gracehopper"},
    {"quoted password in a string", "/w/train.py", "run('login --token \"{}\"')", "quoted-token"},
    {"pair of user and password", "/w/train.py", "get(url, auth=('svcuser', '{}'))", "pw-of-svc"},
    {"argument of a login", "/w/train.py", "smtp.login('maryjackson', '{}')", "smtp-pass-word"},
    {"argument behind a name", "/w/train.py", "smtp.login(USER, '{}')", "smtp-pass-word"},
    {"pair in a file of Windows", "/w/train.py", "import x\r\nget(auth=('svcuser', '{}'))\r\n", "pw-of-svc"},
    {"default of a variable", "/w/train.py", "os.environ.setdefault('API_KEY', '{}')", "default-value"},
    {"password in a comment", "/w/train.py", "x = 1  # password: {}", "hunter2secret"},
    {"password that is compared", "/w/train.py", "if password == '{}': pass", "compared-word"},
    {"password of two lines", "/w/train.py", "password = '''one\n{}'''", "second-line-word"},
    {"password that Python refuses", "/w/train.py", "x = (]\ny = 'password={}'\n", "hunter2secret"},
    {"program without .py", "/w/train", "#!/usr/bin/env python3\npassword = '{}'\n", "some-words"},

    {"literal in a notebook", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "source": ["login(token=\"{}\")\n"]}]})nb", "tok-en-bb"},
    {"text of a cell", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "source": "a = 1\npassword = '{}'"}]})nb", "pass-in-cell"},
    {"short token behind a newline", "/w/x.ipynb",
     R"nb({"cells": [{"source": "%%bash\n{}\ntoken={}\n", "cell_type": "code"}]})nb", "abc-d"},
    {"token with a quote in it", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "source": "t(password='{}')"}]})nb", R"(in\"side\\9)"},
    {"variable of a notebook", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "source": ["%env DB_PASSWORD={}\n", "x"]}]})nb", "correcthorse"},
    {"variable of a notebook without =", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "source": ["%env DB_PASSWORD {}\n", "x"]}]})nb", "correcthorse"},
    {"shell of a notebook", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "source": ["!export API_TOKEN={} && x\n"]}]})nb", "plaintoken"},
    {"what a cell printed", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "source": [], "outputs": [{"text": ["it is {}\n"]}]}]})nb",
     "outpass"},
    {"a cell that a cell showed", "/w/x.ipynb",
     R"nb({"cells": [{"cell_type": "code", "outputs": [{"cell_type": "code", "source": "{}"}]}]})nb",
     "outpass"},
    {"prose of a notebook", "/w/x.ipynb",
     R"nb({"cells": [{"source": ["ask {}\n"], "cell_type": "markdown"}]})nb", "Mary Jackson"},
    {"author of a notebook", "/w/x.ipynb", R"nb({"metadata": {"authors": [{"name": "{}"}]}, "cells": []})nb",
     "Mary Jackson"},
    {"what is no notebook", "/w/x.ipynb", R"nb({"cells": [{"source": "login('{}')"})nb", "Mary Jackson"},

    {"file server", "/proc/self/mountinfo", "36 22 0:33 / /mnt/data rw - nfs4 {}:/export rw,vers=4.2\n",
     "nas01.acme.example"},
    {"folder on a file server", "/proc/self/mountinfo", "36 22 0:33 / /mnt/x rw - nfs4 nas:/vol7/{} rw\n",
     "annie"},
    {"share of a file server", "/proc/self/mountinfo", "37 22 0:34 / /mnt/x rw - cifs //files9/{} rw\n",
     "gracehopper"},
    {"domain of a file server", "/proc/self/mountinfo", "37 22 0:34 / /mnt/x rw - cifs //f/s rw,domain={}\n",
     "ACMECORP"},
    {"server of the root", "/proc/self/mountinfo", "22 1 0:20 / / rw - nfs {}:/root rw,addr=1\n",
     "nas01.acme.example"},
    {"pod of systemd", "/proc/self/cgroup", "0::/kubepods.slice/kubepods-pod{}.slice/x.scope",
     "46414b45_1234_5678_9abc_def012345678"},
    {"container of systemd", "/proc/self/cgroup", "0::/system.slice/docker-{}.scope",
     "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"},
    {"variable of the first process", "/proc/1/environ", std::string("container=lxc\0SITE={}\0", 22), "acme"},
    {"user of a mapped file", "mapped", "/home/{}/libfoo.so", "gracehopper"},
    {"mail address in a mapped file", "mapped", "/data/{}/libfoo.so", "ada.lovelace@acme.example"},
    {"token in a mapped file", "mapped", "/data/{}.so", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
    {"mail address as a folder", "folder", "/data/{}/venv/lib/x.py", "ada.lovelace@acme.example"},
    {"mail address in a name", "name", "report-{}.py", "ada.lovelace@acme.example"},
    {"token as a name", "name", "{}.txt", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
    {"address as a name", "name", "{}", "10.42.17.3"},
    {"user of a folder elsewhere", "folder", "/data/teams/{}/x", "adal"},

    {"user of a folder of Windows", "/w/train.py", "x = r'C:\\Users\\{}\\data'", "katherinej"},
    {"user of a folder of Windows, escaped", "/w/train.py", "x = 'C:\\\\Users\\\\{}\\\\data'", "katherinej"},
    {"user of a folder that Windows sees", "$WSLPATH", "\\\\wsl.localhost\\Ubuntu\\home\\{}\\x",
     "gracehopper"},
    {"user below the letter of a name", "folder", "/global/homes/g/{}/x.py", "gracehopper"},
    {"user of a home elsewhere", "$HOME", "/srv/people/{}", "zusekonrad"},
    {"user and password of curl", "/w/run.sh", "curl -u {} https://files.pythonhosted.org/x",
     "svc:hunter2pw"},
    {"user and password of a proxy", "/w/run.sh", "curl --proxy-user={} x", "svc:hunter2pw"},
    {"user and password on a command line", "command", "python -m fetch --user {}", "svc:hunter2pw"},
    {"password of .netrc", "/w/run.sh", "echo 'machine api.wandb.ai login user password {}' > .netrc",
     "hunter2pw"},
    {"server of .netrc", "/w/run.sh", "machine {}\n  login svc\n", "nexus.acme.example"},
    {"trusted host", "/etc/pip.conf", "trusted-host = {}\n", "nexus.acme.example"},
    {"trusted host in a variable", "$PIP_TRUSTED_HOST", "{}", "nexus.acme.example"},
    {"nodes of a job", "$SLURM_JOB_NODELIST", "{}", "cn042.hpc.acme.example"},
    {"Azure storage key", "/w/train.py", "c = 'AccountName=x;AccountKey={};EndpointSuffix=y'",
     "c2hvcnQ/a2V5+abc=="},
    {"key of a service account", "/w/key.json",
     "{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n\"}",
     "MIIEvQIBADANBgkq/hkiG9w0"},
    {"Google client secret", "folder", "/data/{}/x", "GOCSPX-abcdef12345-ghijkl67890"},
    {"token of Vault", "/w/requirements.txt", "# {}", "hvs.CAESIabcdef1234567890"},
    {"token of a GitLab runner", "folder", "/data/{}/x", "glrt-ABCDEFGHIJ1234567890"},
    {"Jupyter token", "$JUPYTER_URL", "http://127.0.0.1:8888/lab?token={}", "0a1b2c3d"},
    {"Jupyter token of an option", "command", "python -m jupyterlab --IdentityProvider.token={}", "abcdefgh"},
    {"Jupyter password", "/w/jupyter_server_config.py", "c.ServerApp.password = '{}'",
     "argon2:$argon2id$v=19$abc"},
    {"SSH key", "/w/notes", "ssh-ed25519 {} x", "AAAAC3NzaC1lZDI1NTE5AAAAIabc/def+ghi"},
    {"SSH host key fingerprint", "/w/notes", "SHA256:{}", "nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"},
    {"IPv4 address in an IPv6 one", "$MASTER_IPV6", "{}", "::ffff:10.42.17.3"},
    {"IPv6 address of an interface", "$MASTER_IPV6", "{}%eth0", "fe80::21a:2bff:fe3c:4d5e"},
    {"IPv6 address with a port", "/w/train.py", "x = '[{}]:2222'", "2001:db8::7:1"},
    {"hardware address of InfiniBand", "log", "ib0: {}",
     "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:ab:cd:ef"},
    {"GUID of InfiniBand", "log", "mlx5_0: node guid {}", "0002:c903:00ab:cdef"},
    {"hardware address in a name", "log", "r8152: {}: renamed from eth0", "enx00e04c68a012"},
    {"serial number of a disk", "/proc/cmdline", "root=/dev/disk/by-id/{} ro",
     "nvme-Samsung_SSD_980_PRO_S5GXNX0R123456"},
    {"world wide name of a disk", "/proc/cmdline", "resume=/dev/disk/by-id/{}", "wwn-0x5002538e40b8a1c2"},
    {"serial number of a disk in the log", "log", "scsi 0:0:0:0: serial={}", "S5GXNX0R123456"},
    {"partition of a disk", "/proc/cmdline", "root=PARTUUID={} ro", "1a2b3c4d-02"},
    {"label of a disk", "/proc/cmdline", "root=LABEL={} ro", "rocketdisk"},
    {"iSCSI name", "/proc/cmdline", "rd.iscsi.initiator={}", "iqn.2004-10.example.acme:01:9fe87b"},
    {"UUID of a MIG instance", "$CUDA_VISIBLE_DEVICES", "MIG-{}", "46414b45-1234-5678-9abc-def012345678"},
    {"author in a program", "/w/train.py", "__author__ = '{}'", "Charles Babbage"},
    {"author in a comment", "/w/train.py", "# Author: {}\nx = 1", "Charles Babbage"},
};

std::string Filled(std::string content, const std::string& secret) {
  for (size_t at = content.find("{}"); at != std::string::npos; at = content.find("{}", at + secret.size()))
    content.replace(at, 2, secret);
  return content;
}

TEST(Redaction, NoPlantedSecretIsLeft) {
  EXPECT_GE(std::size(kPlanted), 60U);
  for (const Planted& planted : kPlanted) {
    SCOPED_TRACE(planted.kind);
    const auto nothing = EmptySystem();
    OverlaySystem machine(*nothing);
    machine.AddFile("/proc/sys/kernel/hostname", "rocketnode7\n");
    machine.SetEnv("USER", "adal");
    machine.AddFile("/usr/lib/python3/keep.py", "print('TensorFlow 2.20.0 for CUDA 12.5.1')\n");
    const std::string where = planted.where;
    const std::string content = Filled(planted.content, planted.secret);
    if (where == "log") machine.SetKernelLog(content);
    if (where == "link") machine.AddSymlink("/l", content);
    if (where == "list") machine.AddDirectory("/home/" + content);
    if (where == "name") machine.AddFile("/w/" + content, "x");
    if (where == "folder") machine.AddFile(content, "x");
    if (where == "child") {
      ChildEnd end;
      end.how = ChildEnd::How::kExit;
      end.output = content + "\n";
      machine.SetChildAnswer("driver-child cuda /x", end);
    }
    if (where.front() == '$') machine.SetEnv(where.substr(1), content);
    if (where.front() == '/') machine.AddFile(where, content);

    Recording recording;
    const RecordingSystem recorder(machine, recording);
    (void)recorder.Env(where.front() == '$' ? where.substr(1) : "HOME");
    (void)recorder.ReadAll("/usr/lib/python3/keep.py");
    (void)recorder.KernelLog();
    if (where.front() == '/') (void)recorder.ReadAll(where);
    (void)recorder.LStat(where);
    (void)recorder.ReadLink("/l");
    (void)recorder.List("/home");
    (void)recorder.List("/w");
    if (where == "folder") (void)recorder.ReadAll(content);
    if (where == "mapped") recording.mapped_files = std::vector<std::string>{content};
    if (where == "command") recording.question = {{"command", content}};
    (void)recorder.RunChildren({{{"driver-child", "cuda", "/x"}, {}}}, {});
    auto text = [](const Recording& r) {
      const std::string packed = PackRecording(r);
      std::string plain(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
      ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
      return plain;
    };
    const std::string before = text(recording);
    Redactor redactor(machine);
    redactor.Redact(recording);
    const std::string after = text(recording);
    EXPECT_NE(before.find(planted.secret.substr(0, planted.secret.find(' '))), std::string::npos)
        << "it was not planted";
    EXPECT_EQ(after.find(planted.secret), std::string::npos) << after;
    EXPECT_NE(after.find("print('TensorFlow 2.20.0 for CUDA 12.5.1')"), std::string::npos) << after;
    // What is blanked because nothing judges it is not counted.
    const bool blanked = after.find("xxx") != std::string::npos || after.find("     ") != std::string::npos;
    EXPECT_TRUE(blanked || !redactor.Counts().empty()) << "it does not say so";
  }
}

TEST(Redaction, IsConsistentAndKeepsWhatIsJudged) {
  const auto nothing = EmptySystem();
  OverlaySystem machine(*nothing);
  machine.SetEnv("USER", "ada");
  machine.AddSymlink("/home/ada/venv/bin/python", "/home/ada/.pyenv/python3");
  const std::string requirements =
      "tensorflow[and-cuda]==2.20.0\nnvidia-cudnn-cu12==8.9.2.26\nnvidia-curand-cu12==10.3.5.147\n";
  machine.AddFile("/home/ada/requirements.txt", requirements);
  const std::string record =
      "nvidia/cublas/lib/libcublas.so.12,sha256=AbCdEf0123456789AbCdEf0123456789AbCdEf01234,104857600\n";
  machine.AddFile("/home/ada/venv/lib/python3.11/site-packages/x.dist-info/RECORD", record);
  machine.AddFile("/proc/driver/nvidia/version",
                  "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15\n");
  machine.SetEnv("PATH", "/home/ada/venv/bin:/usr/bin:/opt/adapter/bin");
  machine.SetWorkingDirectory("/home/ada");
  Recording recording;
  const RecordingSystem recorder(machine, recording);
  (void)recorder.Env("PATH");
  (void)recorder.ReadLink("/home/ada/venv/bin/python");
  (void)recorder.ReadAll("/home/ada/requirements.txt");
  (void)recorder.ReadAll("/home/ada/venv/lib/python3.11/site-packages/x.dist-info/RECORD");
  (void)recorder.ReadAll("/proc/driver/nvidia/version");
  recording.question = {{"python", "/home/ada/venv"}};
  Redactor redactor(machine);
  redactor.Redact(recording);
  const ReplaySystem replay(recording);
  const std::string home = redactor.Replaced("/home/ada");
  EXPECT_EQ(home.size(), std::string("/home/ada").size());
  EXPECT_EQ(replay.WorkingDirectory(), home);
  EXPECT_EQ(replay.Env("PATH"), home + "/venv/bin:/usr/bin:/opt/adapter/bin");
  EXPECT_EQ(replay.ReadLink(home + "/venv/bin/python").value_or(""), home + "/.pyenv/python3");
  EXPECT_EQ(replay.ReadAll(home + "/requirements.txt").value_or(""), requirements);
  EXPECT_EQ(replay.recording().question.front().second, home + "/venv");
  const std::string kept =
      replay.ReadAll(home + "/venv/lib/python3.11/site-packages/x.dist-info/RECORD").value_or("");
  EXPECT_EQ(kept.size(), record.size());
  EXPECT_TRUE(kept.ends_with(",104857600\n")) << kept;
  EXPECT_EQ(replay.ReadAll("/proc/driver/nvidia/version").value_or(""),
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15\n");
  EXPECT_EQ(redactor.Counts(), (std::map<SecretKind, size_t>{{SecretKind::kUser, 1}}));
}

// What a recording of these files says of them, by their paths.
std::map<std::string, std::string> Redacted(const std::map<std::string, std::string>& files) {
  const auto nothing = EmptySystem();
  OverlaySystem machine(*nothing);
  for (const auto& [path, content] : files) machine.AddFile(path, content);
  Recording recording;
  const RecordingSystem recorder(machine, recording);
  for (const auto& [path, content] : files) (void)recorder.ReadAll(path);
  Redactor(machine).Redact(recording);
  const ReplaySystem replay(recording);
  std::map<std::string, std::string> redacted;
  for (const auto& [path, content] : files) redacted[path] = replay.ReadAll(path).value_or("");
  return redacted;
}

TEST(Redaction, AWordThatIsAlsoAnAuthenticationScheme) {
  const std::map<std::string, std::string> notes = {
      {"/w/notes.md",
       "Basic Debian utilities, the basic amd64 ones; a bearer, TensorFlow; basic object-recognition\n"}};
  EXPECT_EQ(Redacted(notes), notes);
}

// The package passwd is no password, and a version of four parts no address; a maintainer is a person.
TEST(Redaction, WhatPackageManagersSay) {
  const std::string log = "2026-11-25 06:33:10 install passwd:amd64 <none> 8.9.7.29\n";
  const std::string steps = "2026-11-26 06:33:11 status installed passwd:amd64 8.9.7.29\n";
  auto redacted = Redacted(
      {{"/var/lib/dpkg/status",
        "Package: passwd\nStatus: install ok installed\nMaintainer: Ada L <ada@acme.example>\n"
        "Version: 8.9.7.29\nDescription: passwd: it\n Written for ACME.\n\nPackage: python3.11-minimal\n"
        "Version: 3.11.2-6\n"},
       {"/var/log/dpkg.log", log + steps},
       {"/var/log/apt/history.log",
        "Start-Date: 2026-11-25  06:33:10\nCommandline: apt install x\nRequested-By: ada (1000)\n"
        "Install: passwd:amd64 (8.9.7.29)\n"}});
  EXPECT_EQ(redacted["/var/log/dpkg.log"], log + "2026-11-26" + std::string(steps.size() - 11, ' ') + "\n");
  EXPECT_EQ(redacted["/var/log/apt/history.log"],
            "Start-Date: 2026-11-25  06:33:10\nCommandline:" + std::string(14, 'x') +
                "\nRequested-By:" + std::string(11, 'x') + "\nInstall: passwd:amd64 (8.9.7.29)\n");
  EXPECT_EQ(redacted["/var/lib/dpkg/status"],
            "Package: passwd\nStatus: install ok installed\nMaintainer:" + std::string(25, 'x') +
                "\nVersion: 8.9.7.29\nDescription:" + std::string(11, 'x') + "\n" + std::string(18, 'x') +
                "\n\nPackage: python3.11-minimal\nVersion: 3.11.2-6\n");
}

// What looks like the value of something secret, but is a part of the program.
TEST(Redaction, WhatAProgramIsStaysWhatItIs) {
  const std::map<std::string, std::string> programs = {
      {"/w/train.py",
       "import os, tensorflow as tf\n"
       "key = os.environ['CUDA_VISIBLE_DEVICES']  # token: the GPU that is asked for\n"
       "token = tokens[0]; password = getpass.getpass('Password: ')\n"
       "def f(key: int = 3, token=None): return sorted(x, key=lambda k: k['token'])\n"
       "# the password:\n"
       "x1 = 2  # abc1 is asked for\n"
       "if key: tf.config.set_visible_devices(gpus[0], device_type='GPU')\n"
       "key = 'GPU'; api_key = os.environ.get('HF_TOKEN'); url = f'password={password}&x'\n"
       "tokenizer = Tokenizer(num_words=4096, oov_token='<OOV>', max_tokens=1024)\n"
       "s = 'password=' + tf.constant + 'key: the, secret: a name, auth, --token NAME max_tokens=4096'\n"
       "cfg = {'key': tf.device('/CPU:0'), 'columns': ['user', 'item', 'rating']}\n"
       "print('key', 'value'), pip('nvidia-cudnn-cu12==8.9.7.29')\n"},
      {"/w/x.ipynb", R"nb({"cells": [{"cell_type": "code", "source": ["!pip install tensorflow==2.15.1\n",)nb"
                     R"nb( "with tf.device('/CPU:0'):\n", "  a\n"]}], "nbformat": 4})nb"},
  };
  EXPECT_EQ(Redacted(programs), programs);
}

TEST(Redaction, OfANotebookTheCodeIsKept) {
  const std::string notebook =
      R"nb({"metadata": {"name": "a"}, "cells": [{"cell_type": "markdown", "source": ["with tf.device('/CPU:0')"]},)nb"
      R"nb({"outputs": [{"text": ["printed \"this\" \\"], "data": {"image/png": "iVBOR\nw0"}}], "source": )nb"
      R"nb(["import tensorflow as tf\n", "with tf.device(\"/CPU:0\"):  # password: abc12345\n", "  fit()"],)nb"
      R"nb( "cell_type": "code"}, {"cell_type": "code", "source": "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = ''"}]})nb";
  const std::string kept = Redacted({{"/w/x.ipynb", notebook}})["/w/x.ipynb"];
  EXPECT_EQ(kept.size(), notebook.size());
  EXPECT_EQ(kept.find("printed"), std::string::npos) << kept;
  const Result<ProgramReading> before = ReadProgramText(notebook, true);
  const Result<ProgramReading> after = ReadProgramText(kept, true);
  ASSERT_TRUE(before.ok() && after.ok()) << kept;
  ASSERT_EQ(after->actions.size(), before->actions.size()) << kept;
  for (size_t i = 0; i < before->actions.size(); i++) {
    EXPECT_EQ(after->actions[i].where, before->actions[i].where);
    EXPECT_EQ(after->actions[i].name, before->actions[i].name);
    EXPECT_EQ(after->actions[i].value, before->actions[i].value);
  }
  EXPECT_GE(before->actions.size(), 3U);
}

TEST(Redaction, WhatIsJudgedOfMounts) {
  const std::string root =
      "22 1 0:20 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A,xino=off\n";
  const std::string driver =
      "40 22 8:1 /usr/lib/libcuda.so.1.1 /usr/lib/libcuda.so.570.1 ro - ext4 /dev/sda1 rw\n";
  const std::string other = "36 22 0:33 / /mnt/data rw - nfs4 nas:/vol7 rw\n";
  const auto redacted = Redacted({{"/proc/self/mountinfo", root + other + driver}});
  EXPECT_EQ(redacted.at("/proc/self/mountinfo"),
            root + std::string(other.size() - 1, ' ') + "\n" + driver.substr(0, driver.size() - 3) + "xx\n");
}

TEST(Redaction, AUserWhoIsCalledLikeAFolder) {
  const auto nothing = EmptySystem();
  OverlaySystem machine(*nothing);
  machine.SetEnv("USER", "dev");
  machine.AddDevice("/dev/nvidia0", 0xc300);
  machine.AddFile("/home/dev/x.py", "open('/home/dev/data'); open('/dev/null')\n");
  machine.AddFile("/usr/lib/python3/site-packages/p.py", "# built in /home/lib/work\nimport lib\n");
  Recording recording;
  const RecordingSystem recorder(machine, recording);
  (void)recorder.LStat("/dev/nvidia0");
  (void)recorder.List("/home");
  (void)recorder.ReadAll("/home/dev/x.py");
  (void)recorder.ReadAll("/usr/lib/python3/site-packages/p.py");
  Redactor redactor(machine);
  redactor.Redact(recording);
  const ReplaySystem replay(recording);
  EXPECT_TRUE(replay.LStat("/dev/nvidia0").ok());
  const std::string home = redactor.Replaced("/home/dev");
  EXPECT_NE(home, "/home/dev");
  EXPECT_EQ("/home/" + replay.List("/home").value_or({}).at(0).name, home);
  EXPECT_EQ(replay.ReadAll(home + "/x.py").value_or(""), "open('" + home + "/data'); open('/dev/null')\n");
  EXPECT_TRUE(replay.ReadAll("/usr/lib/python3/site-packages/p.py").value_or("").ends_with("import lib\n"));
}

}  // namespace
}  // namespace tfdoctor
