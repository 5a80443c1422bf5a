// Which libdevice and ptxas XLA takes, in the orders in which 2.15.1, 2.16.1, 2.20.0 and 2.21.0 were watched
// looking (strace, and TF_CPP_VMODULE=cuda_root_path=3); and whose a library is.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "knowledge/knowledge.h"
#include "made_environment.h"
#include "probes/probes.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

constexpr const char* kElf =
    "\x7f"
    "ELF";

class Tools : public testing::Test {
 protected:
  Tools() : live_(LiveSystem()), machine_(*live_) {
    python_ = live_->RealPath("/usr/bin/python3").value_or("/usr/bin/python3.11");
    site_ = "/made/env/lib/" + python_.substr(python_.rfind('/') + 1) + "/site-packages";
    for (const char* folder : {"/usr/local/cuda", "/opt/cuda"}) machine_.Remove(folder);
    machine_.SetEnv("PATH", "/old/cuda-11.2/bin:/usr/bin");
    machine_.SetWorkingDirectory("/work");
    machine_.AddDirectory("/work");
  }

  CudaTools With(const std::string& tensorflow) {
    machine_.AddSymlink("/made/env/bin/python", python_);
    machine_.AddFile("/made/env/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n");
    auto made = MakeSitePackages(tensorflow, site_, machine_);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return Look().tools;
  }

  CudaLibraries Look() const {
    Question question;
    question.python = "/made/env/bin/python";
    return ProbeAll(machine_, BuiltInKnowledge(), question).cuda_libraries;
  }

  static std::string Of(const Fact<std::string>& fact) {
    return fact.Peek() != nullptr ? *fact.Peek()
                                  : std::string("(") + (fact.why().empty() ? "absent" : fact.why()) + ")";
  }

  std::unique_ptr<System> live_;
  OverlaySystem machine_;
  std::string python_;
  std::string site_;
};

TEST_F(Tools, OfPipWhereThereIsNoOther) {
  const CudaTools tools = With("2.20.0");
  EXPECT_EQ(Of(tools.libdevice), site_ + "/nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc");
  EXPECT_EQ(Of(tools.ptxas), site_ + "/nvidia/cuda_nvcc/bin/ptxas");
  EXPECT_EQ(Of(tools.ptxas_version).substr(0, 3), "12.");
}

TEST_F(Tools, APtxasThatIsTooOldIsPassedOverSince217) {
  machine_.AddFile("/old/cuda-11.2/bin/ptxas", kElf, 0755);
  const CudaTools recent = With("2.20.0");
  EXPECT_EQ(Of(recent.ptxas), site_ + "/nvidia/cuda_nvcc/bin/ptxas");
}

TEST_F(Tools, ThePathCameFirstUpTo215) {
  machine_.AddFile("/old/cuda-11.2/bin/ptxas", kElf, 0755);
  const CudaTools tools = With("2.15.1");
  EXPECT_EQ(Of(tools.ptxas), "/old/cuda-11.2/bin/ptxas");
  EXPECT_EQ(Of(tools.ptxas_version), "11.2");
}

TEST_F(Tools, ThePtxasSaysItsVersionWhereItsPathDoesNot) {
  machine_.SetEnv("PATH", "/tools:/usr/bin");
  machine_.AddFile("/tools/ptxas",
                   kElf + std::string((1 << 20) - 20, '\0') + "Cuda compilation tools, release %d.%d, V%s" +
                       std::string("\0Cuda compilation tools, release 12.4, V12.4.131\0", 50),
                   0755);
  const CudaTools tools = With("2.20.0");
  EXPECT_EQ(Of(tools.ptxas), "/tools/ptxas");
  EXPECT_EQ(Of(tools.ptxas_version), "12.4.131");
  machine_.AddFile("/tools/ptxas", kElf, 0755);
  EXPECT_EQ(With("2.20.0").ptxas_version.state(), FactState::kUnknown);
}

TEST_F(Tools, TheFirstFolderDecidesWhereLibdeviceIs) {
  machine_.AddDirectory("/usr/local/cuda/nvvm/libdevice");  // without the file
  EXPECT_EQ(With("2.20.0").libdevice.state(), FactState::kAbsent);
  machine_.AddFile("/usr/local/cuda/nvvm/libdevice/libdevice.10.bc", "BC");
  EXPECT_EQ(Of(With("2.20.0").libdevice), "/usr/local/cuda/nvvm/libdevice/libdevice.10.bc");
  machine_.SetEnv("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/stated");
  machine_.AddFile("/stated/nvvm/libdevice/libdevice.10.bc", "BC");
  EXPECT_EQ(Of(With("2.20.0").libdevice), "/stated/nvvm/libdevice/libdevice.10.bc");
}

// The packages for CUDA 12 and 13 put files of the same names into one folder; RECORD tells which were last.
TEST_F(Tools, OfTwoCudnnsTheOneWhoseFilesAreThereOwnsThem) {
  With("2.20.0");
  const auto owner = [&] { return Look().opened.Peek()->at("libcudnn.so.9").owner; };
  const std::string before = Of(owner());
  EXPECT_TRUE(before.starts_with("nvidia-cudnn-cu12 ")) << before;
  ASSERT_TRUE(Apply(InstallDistribution{site_, "nvidia-cudnn-cu13", "9.13.0.50"}, machine_).ok());
  EXPECT_EQ(Of(owner()), "nvidia-cudnn-cu13 9.13.0.50");
  machine_.AddFile(site_ + "/nvidia/cudnn/lib/libcudnn_ops.so.9", kElf);
  EXPECT_TRUE(owner().Unknown());
}

}  // namespace
}  // namespace tfdoctor
