// The expected figures were read from the wheels and from NVIDIA's release notes by people, not from our
// tables.
#include "knowledge/knowledge.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/text.h"
#include "knowledge/tables.h"

namespace tfdoctor {
namespace {

using Texts = std::vector<std::string>;

const Knowledge& Known() { return BuiltInKnowledge(); }
const TensorFlowBuild& Build(std::string_view version, std::string_view distribution = "tensorflow") {
  const TensorFlowBuild* build = Known().FindBuild(distribution, version, "x86_64");
  if (build == nullptr) ADD_FAILURE() << "no build " << distribution << " " << version;
  static const TensorFlowBuild none;
  return build == nullptr ? none : *build;
}

// --- TensorFlow
// -----------------------------------------------------------------------------------------------------

TEST(TensorFlow, Release2_21) {
  const TensorFlowBuild& b = Build("2.21.0");
  EXPECT_EQ(b.key, "tensorflow 2.21.0");
  EXPECT_TRUE(b.scanned && b.cuda_known && b.cuda);
  EXPECT_FALSE(b.rocm);
  EXPECT_EQ(b.cuda_version, "12.5.1");
  EXPECT_EQ(b.cudnn_version, "9.3.0");
  EXPECT_EQ(b.sass, (Texts{"6.0", "7.0", "8.0", "8.9", "9.0"}));
  EXPECT_EQ(b.ptx, (Texts{"9.0"}));
  EXPECT_EQ(b.sass_partial, (Texts{"9.0"}));
  EXPECT_EQ(b.ptx_isa, "8.5");
  EXPECT_EQ(b.ptx_isa_partial, "8.5");
  EXPECT_EQ(b.opens_at_start,
            (Texts{"libcublas.so.12", "libcublasLt.so.12", "libcudart.so.12", "libcudnn.so.9",
                   "libcufft.so.11", "libcusolver.so.11", "libcusparse.so.12"}));
  EXPECT_EQ(b.opens.size(), 12U);
  EXPECT_EQ(b.needs_nvml, true);
  EXPECT_EQ(b.glibc, "2.27");
  EXPECT_EQ(b.pythons, (Texts{"cp310", "cp311", "cp312", "cp313"}));
  EXPECT_EQ(b.cpu_flags, (Texts{"avx"}));
  EXPECT_EQ(b.date, "2026-03-06");
  ASSERT_FALSE(b.objects.empty());
  EXPECT_EQ(b.objects[0], std::pair(std::string("tensorflow/libtensorflow_cc.so.2"), uint64_t{1096372272}));
  EXPECT_NE(std::find(b.requires_dist.begin(), b.requires_dist.end(), "numpy>=1.26.0"),
            b.requires_dist.end());
}

TEST(TensorFlow, OtherReleases) {
  EXPECT_EQ(Build("2.15.1").cuda_version, "12.2");
  EXPECT_EQ(Build("2.15.1").cudnn_version, "8.9.4");
  EXPECT_EQ(Build("2.15.1").sass, (Texts{"5.0", "6.0", "7.0", "7.5", "8.0"}));
  EXPECT_EQ(Build("2.15.1").needs_nvml, false);
  EXPECT_EQ(Build("2.16.1").cudnn_version, "8.9.7");
  EXPECT_EQ(Build("2.17.0").ptx_isa, "8.3");
  EXPECT_EQ(Build("2.18.0").cudnn_version, "9.3.0");
  EXPECT_EQ(Build("2.20.0").needs_nvml, std::nullopt) << "nobody measured it";
  EXPECT_EQ(Build("2.22.0rc0").pythons.back(), "cp314");
  // cuRAND is opened at start up to 2.13 only.
  EXPECT_EQ(Build("2.10.1").opens_at_start,
            (Texts{"libcublas.so.11", "libcublasLt.so.11", "libcudart.so.11.0", "libcudnn.so.8",
                   "libcufft.so.10", "libcurand.so.10", "libcusolver.so.11", "libcusparse.so.11"}));
  EXPECT_EQ(Build("2.4.4").opens_at_start[6], "libcusolver.so.10");
  EXPECT_EQ(Build("2.14.1").opens_at_start.size(), 7U);
  EXPECT_EQ(Build("2.3.4").ptx, (Texts{"7.0"}));
  EXPECT_EQ(Build("2.23.0.dev20261026", "tf-nightly").cuda_version, "12.5.1");
  EXPECT_TRUE(Build("2.14.0.600", "tensorflow-rocm").rocm);
}

TEST(TensorFlow, BuildsWithoutCuda) {
  for (const char* version : {"1.15.5", "2.0.0", "2.0.4"}) {
    EXPECT_TRUE(Build(version).cuda_known && !Build(version).cuda && Build(version).scanned) << version;
  }
  EXPECT_TRUE(Build("1.15.0").cuda);
  EXPECT_FALSE(Build("2.21.0", "tensorflow-cpu").cuda);
  EXPECT_TRUE(Build("2.21.0", "tensorflow-cpu").opens.empty());
  const TensorFlowBuild* arm = Known().FindBuild("tensorflow", "2.21.0", "aarch64");
  ASSERT_NE(arm, nullptr);
  EXPECT_TRUE(arm->cuda_known && !arm->cuda && !arm->scanned);
}

TEST(TensorFlow, KnownFromTheIndexAlone) {
  const TensorFlowBuild& b = Build("2.20.0rc0");
  EXPECT_FALSE(b.scanned || b.cuda_known);
  EXPECT_EQ(b.pythons, (Texts{"cp39", "cp310", "cp311", "cp312", "cp313"}));
  EXPECT_EQ(b.glibc, "2.17");
  EXPECT_EQ(b.date, "2025-07-29");
  EXPECT_TRUE(b.opens.empty() && !b.needs_nvml);
}

TEST(TensorFlow, NotInTheData) {
  EXPECT_EQ(Known().FindBuild("tensorflow", "2.99.0", "x86_64"), nullptr);
  EXPECT_EQ(Known().FindBuild("tensorflow", "", "x86_64"), nullptr);
  EXPECT_EQ(Known().FindBuild("numpy", "2.21.0", "x86_64"), nullptr);
  EXPECT_EQ(Known().FindBuild("tensorflow-gpu", "2.12.0", "x86_64"), nullptr) << "it was only ever an sdist";
}

TEST(TensorFlow, EveryBuildIsConsistent) {
  std::vector<const TensorFlowBuild*> builds = Known().Builds();
  EXPECT_EQ(std::count_if(builds.begin(), builds.end(), [](auto* b) { return b->scanned; }), 57);
  EXPECT_GT(builds.size(), 400U);
  std::set<std::string> seen;
  for (const TensorFlowBuild* b : builds) {
    SCOPED_TRACE(b->key + " " + b->machine);
    EXPECT_TRUE(seen.insert(b->key + b->machine).second);
    EXPECT_EQ(Known().FindBuild(b->distribution, b->version, b->machine), b)
        << "binary search, and stable pointers";
    for (const std::string& soname : b->opens_at_start) {
      EXPECT_NE(std::find(b->opens.begin(), b->opens.end(), soname), b->opens.end()) << soname;
    }
    for (const std::string& soname : b->opens) {
      EXPECT_FALSE(soname.starts_with("libcuda.so") || soname.starts_with("libnvidia-ml")) << soname;
    }
    if (!b->scanned) continue;
    EXPECT_FALSE(b->requires_dist.empty() || b->objects.empty());
    EXPECT_EQ(b->cuda, !b->sass.empty());
    if (!b->cuda) continue;
    EXPECT_NE(Known().DriverFloor(b->cuda_version), "");
    EXPECT_NE(Known().DriverForPtxIsa(b->ptx_isa), "");
    if (b->distribution == "tensorflow-gpu" && b->version == "1.13.2") continue;  // linked, opens nothing
    EXPECT_GE(b->opens_at_start.size(), 7U);
    for (const char* stem : {"cudart", "cublas", "cufft", "cusolver", "cusparse", "cudnn"}) {
      std::string name = std::string("lib") + stem + ".so.";
      EXPECT_TRUE(std::any_of(b->opens_at_start.begin(), b->opens_at_start.end(),
                              [&](const std::string& soname) { return soname.starts_with(name); }))
          << stem;
    }
    // Where pip can supply the libraries of a build, we know from which distribution.
    if (CompareVersions(b->version, "2.14") < 0) continue;
    for (const std::string& soname : b->opens_at_start) {
      EXPECT_NE(Known().DistributionOf(soname, MajorVersion(b->cuda_version)), "") << soname;
    }
  }
}

TEST(TensorFlow, Distributions) {
  Texts names = Known().TensorFlowDistributions();
  for (const char* name : {"tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly",
                           "tensorflow-cpu-aws", "tensorflow-rocm", "tensorflow-intel", "tensorflow-macos"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
}

// --- NVIDIA's wheels
// --------------------------------------------------------------------------------------------------

const WheelLibrary* LibraryOf(const NvidiaWheel* wheel, std::string_view soname) {
  if (wheel == nullptr) return nullptr;
  auto it = std::find_if(wheel->libraries.begin(), wheel->libraries.end(),
                         [&](auto& l) { return l.soname == soname; });
  return it == wheel->libraries.end() ? nullptr : &*it;
}

TEST(Nvidia, DistributionOfALibrary) {
  EXPECT_EQ(Known().DistributionOf("libcudnn.so.9", 12), "nvidia-cudnn-cu12");
  EXPECT_EQ(Known().DistributionOf("libcudnn.so.8", 11), "nvidia-cudnn-cu11");
  EXPECT_EQ(Known().DistributionOf("libcusolver.so.11", 12), "nvidia-cusolver-cu12");
  EXPECT_EQ(Known().DistributionOf("libcusolver.so.11", 11), "nvidia-cusolver-cu11");
  EXPECT_EQ(Known().DistributionOf("libcudart.so.12", 12), "nvidia-cuda-runtime-cu12");
  EXPECT_EQ(Known().DistributionOf("libcudart.so.12", 13), "");
  EXPECT_EQ(Known().DistributionOf("libc.so.6", 12), "");
}

TEST(Nvidia, Wheels) {
  const WheelLibrary* ops =
      LibraryOf(Known().FindNvidiaWheel("nvidia-cudnn-cu12", "9.28.0.42"), "libcudnn_ops.so.9");
  ASSERT_NE(ops, nullptr);
  EXPECT_EQ(ops->sass, (Texts{"7.5", "8.0", "9.0", "10.0", "12.0"}));
  EXPECT_EQ(ops->size, 92284600U);
  EXPECT_EQ(ops->needed, (Texts{"libcudnn_graph.so.9"}));
  const WheelLibrary* old =
      LibraryOf(Known().FindNvidiaWheel("nvidia-cudnn-cu12", "9.3.0.75"), "libcudnn_cnn.so.9");
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(old->sass.front(), "5.0");
  EXPECT_EQ(Known().FindNvidiaWheel("nvidia-cudnn-cu12", "99.0"), nullptr);
  EXPECT_EQ(Known().NvidiaWheelVersions("nvidia-cudnn-cu12").front(), "9.28.0.42");
  EXPECT_EQ(Known().NvidiaWheelVersions("nvidia-cudnn-cu12").back(), "8.9.4.25");
  EXPECT_TRUE(Known().NvidiaWheelVersions("numpy").empty());
}

TEST(Nvidia, AWheelNobodyOpenedHasItsUsualLibraries) {
  const NvidiaWheel* solver = Known().FindNvidiaWheel("nvidia-cusolver-cu12", "11.7.5.82");
  ASSERT_NE(solver, nullptr);
  EXPECT_FALSE(solver->scanned);
  ASSERT_EQ(solver->libraries.size(), 1U);
  EXPECT_EQ(solver->libraries[0].path, "nvidia/cusolver/lib/libcusolver.so.11");
  EXPECT_EQ(solver->libraries[0].needed,
            (Texts{"libcublas.so.12", "libcublasLt.so.12", "libcusparse.so.12", "libnvJitLink.so.12"}));
  const NvidiaWheel* cudnn8 = Known().FindNvidiaWheel("nvidia-cudnn-cu12", "8.9.4.25");
  EXPECT_NE(LibraryOf(cudnn8, "libcudnn.so.8"), nullptr);
  EXPECT_EQ(LibraryOf(cudnn8, "libcudnn.so.9"), nullptr);
}

// --- Drivers
// ------------------------------------------------------------------------------------------------------------

TEST(Drivers, Floors) {
  EXPECT_EQ(Known().DriverFloor("12.5.1"), "525.60.13");
  EXPECT_EQ(Known().DriverFloor("12.2"), "525.60.13");
  EXPECT_EQ(Known().DriverFloor("11.2"), "450.80.02");
  EXPECT_EQ(Known().DriverFloor("11.0"), "450.36.06");
  EXPECT_EQ(Known().DriverFloor("13.1"), "580");
  EXPECT_EQ(Known().DriverFloor("10.1"), "418.39");
  EXPECT_EQ(Known().DriverFloor("10.0"), "410.48");
  EXPECT_EQ(Known().DriverFloor("14.0"), "");
  EXPECT_EQ(Known().DriverFloor("10.9"), "") << "before 11 nothing is shared";
  EXPECT_EQ(Known().DriverFloor(""), "");
}

TEST(Drivers, Ptx) {
  EXPECT_EQ(Known().DriverForPtxIsa("8.5"), "555.42.02");
  EXPECT_EQ(Known().DriverForPtxIsa("8.3"), "545.23.06");
  EXPECT_EQ(Known().DriverForPtxIsa("8.0"), "525.60.13");
  EXPECT_EQ(Known().DriverForPtxIsa("6.3"), "410.48");
  EXPECT_EQ(Known().DriverForPtxIsa("10.0"), "");
}

TEST(Drivers, CudaOfDriver) {
  EXPECT_EQ(Known().CudaOfDriver("535.183.01"), "12.2");
  EXPECT_EQ(Known().CudaOfDriver("470.256.02"), "11.4");
  EXPECT_EQ(Known().CudaOfDriver("595.71.05"), "13.2");
  EXPECT_EQ(Known().CudaOfDriver("700.10"), "") << "newer than the data: unknown, not 13.2";
  EXPECT_EQ(Known().CudaOfDriver("garbage"), "");
}

TEST(Drivers, Branches) {
  EXPECT_EQ(Known().LastBranchFor("3.5"), "470");
  EXPECT_EQ(Known().LastBranchFor("6.1"), "580");
  EXPECT_EQ(Known().LastBranchFor("7.0"), "580");
  EXPECT_EQ(Known().LastBranchFor("7.5"), "");
  EXPECT_EQ(Known().FirstBranchFor("12.0"), "570");
  EXPECT_EQ(Known().FirstBranchFor("8.6"), "455");
  EXPECT_EQ(Known().FirstBranchFor("99.0"), "");
  EXPECT_EQ(Known().NewestDriver(), "595.71.05");
  EXPECT_EQ(Known().NewestDriverFor("8.9"), "595.71.05");
  EXPECT_EQ(Known().NewestDriverFor("7.0"), "580.95.05");
  EXPECT_EQ(Known().NewestDriverFor("3.7"), "470.82.01");
  EXPECT_EQ(Known().NewestDriverFor("99.0"), "");
}

TEST(Drivers, Limits) {
  EXPECT_EQ(Known().CudaLimits("12.5.1").highest, "9.0");
  EXPECT_EQ(Known().CudaLimits("12.8.1").highest, "12.0");
  EXPECT_EQ(Known().CudaLimits("13.0.2").lowest, "7.5");
  EXPECT_EQ(Known().CudaLimits("12").lowest, "") << "the minor version decides";
  EXPECT_EQ(Known().CudnnLimits("8.9.7", 12).lowest, "5.0");
  EXPECT_EQ(Known().CudnnLimits("8.9.7", 11).lowest, "3.5");
  EXPECT_EQ(Known().CudnnLimits("9.28.0", 12).lowest, "7.5");
  EXPECT_EQ(Known().CudnnLimits("9.99", 12).lowest, "");
}

// --- GPUs
// ---------------------------------------------------------------------------------------------------------------

TEST(Gpus, ByPciId) {
  std::optional<GpuModel> gpu = Known().FindGpu("2684");
  ASSERT_TRUE(gpu);
  EXPECT_EQ(gpu->name, "AD102 [GeForce RTX 4090]");
  EXPECT_EQ(gpu->architecture, "Ada Lovelace");
  EXPECT_EQ(gpu->compute_capability, "8.9");
  EXPECT_FALSE(gpu->by_range);
  EXPECT_EQ(Known().FindGpu("0x20B0")->compute_capability, "8.0");
  EXPECT_EQ(Known().FindGpu("1eb8")->name, "TU104GL [Tesla T4]");
  for (const char* id : {"", "0000", "ffff", "zzzz", "26844", "268"}) EXPECT_FALSE(Known().FindGpu(id)) << id;
}

TEST(Gpus, ByRange) {
  std::optional<GpuModel> gpu = Known().FindGpu("26ff");
  ASSERT_TRUE(gpu);
  EXPECT_TRUE(gpu->by_range);
  EXPECT_EQ(gpu->compute_capability, "8.9");
  std::optional<GpuModel> rubin = Known().FindGpu("3001");
  ASSERT_TRUE(rubin);
  EXPECT_EQ(rubin->architecture, "Rubin");
  EXPECT_EQ(rubin->compute_capability, "") << "nobody has published it";
}

TEST(Gpus, EveryIdIsFound) {
  std::string_view last;
  for (const tables::Gpu& row : tables::kGpus) {
    std::string_view id(tables::kTexts + row.pci_id.at, row.pci_id.size);
    EXPECT_LT(last, id);
    last = id;
    ASSERT_TRUE(Known().FindGpu(id));
    EXPECT_FALSE(Known().FindGpu(id)->by_range) << id;
  }
  EXPECT_EQ(tables::kGpus.size(), 1184U);
}

TEST(Gpus, BySpelling) {
  constexpr std::pair<const char*, const char*> kSpellings[] = {
      {"rtx 4090", "8.9"},
      {"GeForce RTX 4090", "8.9"},
      {"RTX4090", "8.9"},
      {"NVIDIA GeForce RTX 4090", "8.9"},
      {"RTX 4090 D", "8.9"},
      {"NVIDIA GeForce RTX 4070 Laptop GPU", "8.9"},
      {"A100-SXM4-80GB", "8.0"},
      {"NVIDIA A100-SXM4-40GB", "8.0"},
      {"a100", "8.0"},
      {"A30", "8.0"},
      {"h100", "9.0"},
      {"NVIDIA H100 80GB HBM3", "9.0"},
      {"NVIDIA H100 PCIe", "9.0"},
      {"H200", "9.0"},
      {"GH200", "9.0"},
      {"V100", "7.0"},
      {"Tesla V100-SXM2-16GB", "7.0"},
      {"Titan V", "7.0"},
      {"Tesla T4", "7.5"},
      {"t4", "7.5"},
      {"Titan RTX", "7.5"},
      {"Quadro RTX 8000", "7.5"},
      {"RTX 2080 SUPER", "7.5"},
      {"GTX 1650", "7.5"},
      {"RTX 3060 12GB", "8.6"},
      {"rtx3060ti", "8.6"},
      {"NVIDIA GeForce RTX 3070 Laptop GPU", "8.6"},
      {"RTX 3050", "8.6"},
      {"RTX A6000", "8.6"},
      {"A10G", "8.6"},
      {"RTX 6000 Ada", "8.9"},
      {"L4", "8.9"},
      {"L40S", "8.9"},
      {"GeForce GTX 1080 Ti", "6.1"},
      {"1080ti", "6.1"},
      {"GTX 1060 6GB", "6.1"},
      {"TITAN Xp", "6.1"},
      {"Tesla P100-PCIE-16GB", "6.0"},
      {"Tesla K80", "3.7"},
      {"GTX 980", "5.2"},
      {"RTX 5090", "12.0"},
      {"RTX PRO 6000", "12.0"},
      {"B200", "10.0"},
      {"B300", "10.3"},
      {"GB10", "12.1"},
      {"AD102", "8.9"},
      {"8.9", "8.9"},
      {"sm_89", "8.9"},
      {"SM_90a", "9.0"},
      {"compute_89", "8.9"},
      {"89", "8.9"},
      {" cc 7.5 ", "7.5"},
      {"sm_120", "12.0"},
      {"12.0", "12.0"},
  };
  for (const auto& [spelling, capability] : kSpellings) {
    Result<GpuModel> gpu = Known().FindGpuByName(spelling);
    ASSERT_TRUE(gpu) << spelling << ": " << gpu.error().message;
    EXPECT_EQ(gpu->compute_capability, capability) << spelling << " is taken for " << gpu->name;
    EXPECT_FALSE(gpu->architecture.empty()) << spelling;
  }
}

TEST(TensorFlow, CudaOfReleasesWithoutABuild) {
  EXPECT_EQ(Known().CudaOfRelease("1.4"), "8.0");
  EXPECT_EQ(Known().CudaOfRelease("1.12"), "9.0");
  EXPECT_EQ(Known().CudaOfRelease("2.15"), "");
  EXPECT_EQ(Known().CudaOfRelease(""), "");
}

TEST(Gpus, NamesThatDoNotSay) {
  auto message = [](std::string_view text) {
    Result<GpuModel> gpu = Known().FindGpuByName(text);
    return gpu ? "found " + gpu->name : gpu.error().message;
  };
  // Sold under one name with two chips.
  EXPECT_NE(message("GTX 860M").find("GK104M [GeForce GTX 860M] (3.0), GM107M [GeForce GTX 860M] (5.0)"),
            std::string::npos);
  // Later ones under the name of the first.
  EXPECT_NE(message("GeForce GT 630").find("GK208 [GeForce GT 630 Rev. 2] (3.5)"), std::string::npos);
  EXPECT_EQ(message("GT 630 Rev. 2"), "found GK208 [GeForce GT 630 Rev. 2]");
  EXPECT_NE(message("rtx 4095").find("GeForce RTX 4090"), std::string::npos);
  EXPECT_NE(message("7.4").find("no GPU of compute capability 7.4 in our data; known are 1.0,"),
            std::string::npos);
  for (const char* text :
       {"", "banana", "Tesla", "GeForce", "()[]{}", "99", "sm_", "\x1b[31m", "12.34", "9.9.9"}) {
    Result<GpuModel> gpu = Known().FindGpuByName(text);
    ASSERT_FALSE(gpu) << text << " is taken for " << gpu->name;
    EXPECT_TRUE(gpu.not_found()) << text;
    EXPECT_EQ(gpu.error().message.find('\x1b'), std::string::npos);
  }
  EXPECT_FALSE(Known().FindGpuByName(std::string(1 << 20, '4')));
}

TEST(Age, IsThatOfTheNewestRow) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(TFDOCTOR_SOURCE_DIR "/data")) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("date = \"")) newest = std::max(newest, line.substr(8, 10));
    }
  }
  EXPECT_FALSE(newest.empty());
  EXPECT_EQ(Known().Date(), newest);
}

// --- --data FILE
// ------------------------------------------------------------------------------------------------------------

TEST(File, ItsRowsWin) {
  auto knowledge = KnowledgeWithFile(R"(
[[build]]
distribution = "tensorflow"
version = "2.21.0"
machine = "x86_64"
source = "a build of ours"
date = "2027-01-02"
pythons = ["cp315"]
cuda = true
cuda_version = "13.0"
opens = ["libcudart.so.13"]
opens_at_start = ["libcudart.so.13"]

[[floors]]
source = "notes"
date = "2027-01-01"
rows = [ { cuda = "14", driver = "610" } ]

[[gpus]]
source = "the box"
date = "2027-01-01"
rows = [ { id = "2684", name = "GX100 [Ours]", architecture = "X", compute_capability = "13.0" } ]

[[architectures]]
source = "notes"
date = "2027-01-01"
rows = [ { compute_capability = "13.0", name = "X" } ]

[[sonames]]
cuda_major = 13
source = "the wheel"
date = "2027-01-01"
rows = [ { soname = "libcudart.so.13", distribution = "nvidia-cuda-runtime", path = "nvidia/cu13/lib/libcudart.so.13" } ]

[[versions]]
source = "the index"
date = "2027-01-01"
rows = [ { distribution = "nvidia-cuda-runtime", versions = ["13.0.1"] } ]
)",
                                     "new.toml");
  ASSERT_TRUE(knowledge) << knowledge.error().message;
  const Knowledge& k = **knowledge;
  EXPECT_EQ(k.FindBuild("tensorflow", "2.21.0", "x86_64")->cuda_version, "13.0");
  EXPECT_EQ(k.FindBuild("tensorflow", "2.20.0", "x86_64")->cuda_version, "12.5.1");
  EXPECT_EQ(k.Builds().size(), Known().Builds().size());
  EXPECT_EQ(k.DriverFloor("14.1"), "610");
  EXPECT_EQ(k.DriverFloor("12.5"), "525.60.13");
  EXPECT_EQ(k.FindGpu("2684")->compute_capability, "13.0");
  EXPECT_EQ(k.FindGpuByName("ours")->compute_capability, "13.0");
  EXPECT_EQ(k.FindGpuByName("sm_130")->architecture, "X");
  EXPECT_EQ(k.DistributionOf("libcudart.so.13", 13), "nvidia-cuda-runtime");
  ASSERT_NE(k.FindNvidiaWheel("nvidia-cuda-runtime", "13.0.1"), nullptr);
  EXPECT_EQ(k.FindNvidiaWheel("nvidia-cuda-runtime", "13.0.1")->libraries[0].path,
            "nvidia/cu13/lib/libcudart.so.13");
  EXPECT_EQ(k.Date(), "2027-01-02");
}

TEST(File, AnEmptyOneChangesNothing) {
  auto knowledge = KnowledgeWithFile("# nothing\n", "empty.toml");
  ASSERT_TRUE(knowledge);
  EXPECT_EQ((*knowledge)->Date(), Known().Date());
}

struct Mistake {
  const char* toml;
  const char* message;  // what the error starts with
};
constexpr Mistake kMistakes[] = {
    {"[[floors]\n", "f.toml:1:10: not TOML"},
    {"[=]\n", "f.toml: not TOML"},
    {"[[builds]]\n", "f.toml:1:1: unknown table builds; known are: architectures, branches, build,"},
    {"floors = 1\n", "f.toml:1:10: floors is a list of tables: write [[floors]]"},
    {"[[floors]]\nrows = [{ cuda = \"12\", driver = \"525\" }]\n", "f.toml:1:1: [[floors]] has no source"},
    {"[[floors]]\nsource = \"s\"\nrows = [{ cuda = \"12\", driver = \"525\" }]\n",
     "f.toml:1:1: [[floors]] has no date"},
    {"[[floors]]\nsource = \"s\"\ndate = \"23.11.2026\"\nrows = []\n",
     "f.toml:3:8: date is a date, such as \"2026-11-23\", not"},
    {"[[floors]]\nsource = \"s\"\ndate = 2026-11-23\nrows = []\n", "f.toml:3:8: date is a text in quotes"},
    {"[[floors]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = []\n", "f.toml:4:8: rows is empty"},
    {"[[floors]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [1]\n", "f.toml:4:9: rows holds tables"},
    {"[[floors]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [{ cuda = \"12\" }]\n",
     "f.toml:4:9: a row of [[floors]] has no driver"},
    {"[[floors]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [{ cuda = 12, driver = \"525\" }]\n",
     "f.toml:4:18: cuda is a text in quotes"},
    {"[[floors]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [{ cuda = \"12\", driver = \"525\", drvier = "
     "\"\" }]\n",
     "f.toml:4:49: unknown key drvier in a row of [[floors]]; known here: cuda, driver, note"},
    {"[[floors]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [\n{ cuda = \"12\", driver = \"525\" },\n{ "
     "cuda = \"12\", driver = "
     "\"526\" }]\n",
     "f.toml:6:1: the driver floor of CUDA 12 is there twice"},
    {"[[architectures]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [{ compute_capability = \"sm_89\", "
     "name = \"A\" }]\n",
     "f.toml:4:32: compute_capability is a compute capability, such as \"8.9\", not \"sm_89\""},
    {"[[gpus]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [{ id = \"0x2684\", name = \"A\", architecture "
     "= \"B\" }]\n",
     "f.toml:4:16: id is four hexadecimal digits"},
    {"[[sonames]]\nsource = \"s\"\ndate = \"2026-11-23\"\ncuda_major = \"12\"\nrows = [{ soname = "
     "\"libx.so\", distribution = "
     "\"x\", path = \"p\" }]\n",
     "f.toml:4:14: cuda_major takes a whole number"},
    {"[[sonames]]\nsource = \"s\"\ndate = \"2026-11-23\"\ncuda_major = 12\nrows = [{ soname = \"cudnn\", "
     "distribution = "
     "\"x\", path = \"p\" }]\n",
     "f.toml:5:20: soname is a library's name, such as \"libcudnn.so.9\", not \"cudnn\""},
    {"[[sonames]]\nsource = \"s\"\ndate = \"2026-11-23\"\ncuda_major = 12\nrows = [{ soname = \"libx.so\", "
     "distribution = "
     "\"x\", path = \"../etc\" }]\n",
     "f.toml:5:58: path is a path below site-packages"},
    {"[[build]]\nsource = \"s\"\ndate = \"2026-11-23\"\ndistribution = \"tensorflow\"\nversion = "
     "\"3.0\"\nmachine = "
     "\"x86_64\"\npythons = [\"cp312\"]\ncuda = true\ncuda_version = \"13.0\"\nopens = "
     "[\"libcudart.so.13\"]\n"
     "opens_at_start = [\"libcudnn.so.9\"]\n",
     "f.toml:1:1: opens_at_start names a library that is not in opens"},
    {"[[build]]\nsource = \"s\"\ndate = \"2026-11-23\"\ndistribution = \"tensorflow\"\nversion = "
     "\"3.0\"\nmachine = "
     "\"x86_64\"\npythons = [\"cp312\"]\ncuda = \"yes\"\n",
     "f.toml:8:8: cuda is true or false, without quotes"},
    {"[[gpu_ranges]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [{ first = \"2000\", last = \"1000\", "
     "architecture = "
     "\"A\" }]\n",
     "f.toml:4:9: first is above last"},
};

TEST(File, Mistakes) {
  for (const Mistake& mistake : kMistakes) {
    auto knowledge = KnowledgeWithFile(mistake.toml, "f.toml");
    ASSERT_FALSE(knowledge) << mistake.toml;
    EXPECT_TRUE(knowledge.error().message.starts_with(mistake.message))
        << "have: " << knowledge.error().message << "\nwant: " << mistake.message;
  }
  EXPECT_EQ(KnowledgeWithFile(std::string(5 << 20, '#'), "f.toml").error().kind, ErrorKind::kTooLarge);
  // Deeper than any parser that recurses could bear.
  EXPECT_FALSE(KnowledgeWithFile("a = " + std::string(100000, '['), "f.toml"));
}

// --- The generator
// ------------------------------------------------------------------------------------------------------------

struct Ran {
  int status;
  std::string output;
};
Ran MakeTables(const std::string& arguments) {
  std::string command = std::string(TFDOCTOR_BINARY_DIR) + "/make_tables " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::string output;
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) output.append(buffer.data(), n);
  int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

TEST(Generator, RefusesMistakesAndMissingFiles) {
  std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "make_tables_test";
  std::filesystem::create_directories(folder);
  std::string bad = folder / "bad.toml", twice = folder / "twice.toml", out = folder / "out.cpp";
  std::ofstream(bad) << "[[gpus]]\nsource = \"s\"\n";
  Ran ran = MakeTables(out + " " + bad);
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.output, bad + ":1:1: [[gpus]] has no date\n");
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(MakeTables(out + " " + (folder / "none.toml").string()).status, 1);
  EXPECT_EQ(MakeTables("").status, 2);
  // The same row in two files.
  std::ofstream(twice) << "[[branches]]\nsource = \"s\"\ndate = \"2026-11-23\"\nrows = [{ branch = \"570\", "
                          "cuda = \"12.8\" }]\n";
  ran = MakeTables(out + " " + TFDOCTOR_SOURCE_DIR + "/data/drivers.toml " + twice);
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.output, twice + ":4:9: the driver branch 570 is there twice\n");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tfdoctor
