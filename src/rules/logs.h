// What the judgements of logs share: which libraries a log misses, and what is known of the build that it
// speaks of.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/signs.h"

namespace tfdoctor {

constexpr Strength kDecisive = Strength::kDecisive;
constexpr Strength kStrong = Strength::kStrong;
constexpr Strength kWeak = Strength::kWeak;
constexpr Strength kAgainst = Strength::kAgainst;

// Libraries of CUDA that the log misses, without the optional TensorRT and without the driver's libcuda.
std::vector<std::string> MissingLibraries(const LogStory& story);
// Libraries that one needs which was found itself: "Could not load dynamic library 'libcusolver.so.11';
// dlerror: libnvJitLink.so.12: cannot open shared object file".
std::vector<std::string> MissingDependencies(const LogStory& story);
// One of them is of another CUDA than those that were opened: the text of it; empty: not so.
std::string OtherCudaOfDependency(const LogStory& story);
// The log misses the driver's libcuda.so.1 (nvcuda.dll).
bool MissesDriverLibrary(const LogStory& story);
// libcudnn.so.8, cudnn64_8.dll
bool NamesCudnn(const std::string& library);
// The CUDA that a library's name spells: "libcudart.so.10.1", "cudart64_101.dll" -> "10.1"; "libcudart.so.12"
// -> "12"; empty: the name spells none (or another number, as libcusolver's).
std::string CudaOfName(const std::string& library);
// The same for cuDNN's major version: "libcudnn.so.8" -> "8".
std::string CudnnOfName(const std::string& library);
// The build that the log speaks of, where its version is known and it is a wheel for Linux; nullptr: not
// known.
const TensorFlowBuild* BuildOf(const LogStory& story);
// The CUDA of the build, also of one that is not in the data: from the release alone; empty: not known.
std::string CudaOfBuild(const LogStory& story);
// CUDA 11 and later promise that the libraries of one major version do for each other; before, minors count.
bool SameCuda(const std::string& a, const std::string& b);
// TensorFlow says that it could not load libraries of CUDA, by name or not.
bool LibrariesFail(const LogStory& story);
// XLA lists a GPU and TensorFlow does not: the driver works, and libraries of CUDA fail.
bool OnlyXlaHasGpu(const LogStory& story);
// The list of the devices that the process has is there, and no GPU in it as far as it can be read.
bool GpuNotRegistered(const LogStory& story);
// The message that shows it; empty: none does.
std::string_view XlaGpuAlone(const LogStory& story);
// CUDA_VISIBLE_DEVICES leaves no GPU, whatever there are: "-1", nothing, Slurm's "NoDevFiles". Its value;
// empty for none of that.
std::string HidingVariable(const LogStory& story);
// "1.95GiB", "977.81MiB" in MiB; -1: no size.
double MiB(const std::string& text);
// What failed was little, and how much of the GPU TensorFlow had got is not told: something has the rest, the
// program itself or another.
bool LittleWasLeft(const LogStory& story);
// What somebody writes of a thing that is not there: "not found", "missing", …
bool SaysMissing(std::string_view text);

// The last driver branch for this GPU is older than what this CUDA needs: the text of it; empty: not so, or
// not known.
std::string NoDriverForCuda(const LogStory& story);

// The libraries lie on the machine: somebody looked.
std::string LibrarySeen(const LogStory& story);
std::string OtherCudaStated(const LogStory& story);
// What the message of a missing library says of LD_LIBRARY_PATH: it leads to another CUDA alone.
std::string OtherCudaOnPath(const LogStory& story);
bool InSingularity(const LogStory& story);
// What fails is a step of the build of an image, where there is no GPU, and no container that runs.
bool BuildsImage(const LogStory& story);
bool NamesDockerDesktop(const LogStory& story);
enum class CodeAge { kUnknown, kOlder, kRuns, kCompiled, kNewer };
// The GPU against the code in the build, or where that is not known against what the CUDA of the build can
// make.
CodeAge AgeOfCode(const LogStory& story, std::string& why);
// The build carries PTX that the driver can compile for the GPU, or nobody knows that it does not.
bool MayHavePtx(const LogStory& story);
// Somebody waits, and it goes on: what takes long is no error.
bool StartsSlowly(const LogStory& story);
// Blackwell and what comes after.
bool IsBlackwell(const LogStory& story);
// Of what was free at the start, a small part of the card; -1: the log does not say.
double FreeShare(const LogStory& story);
// TensorFlow, which takes nearly all that is free, got a small part of the GPU, or less than any GPU has:
// others hold the rest, or the program set a limit.
bool PoolIsTiny(const LogStory& story);
// Somebody says what is wrong: a saying of those that `complain` (data/sayings.toml).
bool Complains(const LogStory& story);
// On this machine another program that starts it has the GPU.
bool WorksElsewhere(const LogStory& story);
// libcuda.so.1 was found and answered that there is no device: somebody installed the driver.
bool DriverAnswered(const LogStory& story);
// The log shows what ended the program: memory, a handle of a library, or the GPU.
bool SomethingFails(const LogStory& story);
// What tells that libraries are there, and only not where this program looks, speaks against their being
// missing.
void AgainstMissing(Signs& s);
// A harmless message is the answer only where nothing else is wrong.
void Harmless(Signs& s, std::string_view id, Strength beside_trouble = Strength::kAgainst);
// The import of TensorFlow fails for a reason that has nothing to do with the GPU.
bool ImportEnds(const LogStory& story);
// pip was asked on macOS for the package of the GPU, which ended there with 1.1.
bool WantsGpuPackageOnMac(const LogStory& story);
// Something shows that the GPU, its driver or CUDA is what is wrong.
bool GpuTrouble(const LogStory& story);
// A library that is NVIDIA's: "libcudart.so.12", "cudnn64_8.dll", "libnccl.so.2".
bool IsOfNvidia(std::string_view library);
bool BuiltWithoutCuda(const LogStory& story);
// The driver was called or a library of CUDA opened, which only a build with CUDA does.
bool BuiltWithCuda(const LogStory& story);
// A session of 1.x started and told nothing of the driver, as it does whatever comes of it where the build
// has CUDA.
bool SessionWithoutCuda(const LogStory& story);
// A release up to 1.3, which says what the CPU could do when it makes its devices, and nothing of CUDA
// beside.
bool SilentOfCuda(const LogStory& story);
inline constexpr const char* kSessionWithoutCuda =
    "a session was started, and nothing was printed of the driver or a GPU, as a build with CUDA does";
// Names of TensorFlow distributions in a stated list: "tensorflow 2.3.0; tensorflow-gpu 2.3.0".
std::set<std::string> StatedTensorFlows(const LogStory& story, const std::string& key);
// Somebody finds the GPU slow, so that it is used, and does not say that it is not.
bool FindsItSlow(const LogStory& story);
// The GPU is used and nothing fails: what is left is how it is used, or how it looks.
bool GpuWorks(const LogStory& story);

}  // namespace tfdoctor
