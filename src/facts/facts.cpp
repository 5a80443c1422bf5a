#include "facts/facts.h"

namespace tfdoctor {

const std::vector<std::string>& EnvironmentNames() {
  static const std::vector<std::string> names = {
      // Which GPUs a process or a container sees.
      "CUDA_VISIBLE_DEVICES",
      "CUDA_DEVICE_ORDER",
      "NVIDIA_VISIBLE_DEVICES",
      "NVIDIA_DRIVER_CAPABILITIES",
      "NVIDIA_DISABLE_REQUIRE",
      "NVIDIA_MIG_CONFIG_DEVICES",
      "GPU_DEVICE_ORDINAL",
      "HIP_VISIBLE_DEVICES",
      "ROCR_VISIBLE_DEVICES",
      // What the batch system gave to this job.
      "SLURM_JOB_ID",
      "SLURM_JOB_GPUS",
      "SLURM_STEP_GPUS",
      "SLURM_JOB_PARTITION",
      "SLURM_GPUS",
      "SLURM_GPUS_ON_NODE",
      "SLURM_GPUS_PER_NODE",
      "SLURM_GPUS_PER_TASK",
      "PBS_JOBID",
      "PBS_GPUFILE",
      "LSB_JOBID",
      "JOB_ID",
      "SGE_HGR_gpu",
      // NVIDIA's image of TensorFlow: its release, "24.03-tf2".
      "NVIDIA_TENSORFLOW_VERSION",
      // Hosted notebooks.
      "COLAB_RELEASE_TAG",
      "COLAB_GPU",
      "KAGGLE_KERNEL_RUN_TYPE",
      // The dynamic loader (ld.so(8)).
      "LD_LIBRARY_PATH",
      "LD_PRELOAD",
      "LD_AUDIT",
      "LD_BIND_NOW",
      "GLIBC_TUNABLES",
      // Who sets search paths: environment modules (Tcl's and Lmod), Spack, conda.
      "LOADEDMODULES",
      "_LMFILES_",
      "SPACK_ENV",
      "CONDA_PREFIX",
      "CONDA_DEFAULT_ENV",
      "CONDA_OVERRIDE_CUDA",
      // Which Python runs, and its sys.path.
      "PATH",
      "VIRTUAL_ENV",
      "PYENV_VERSION",
      "PYTHONPATH",
      "PYTHONHOME",
      "PYTHONUSERBASE",
      "PYTHONNOUSERSITE",
      "PYTHONSAFEPATH",
      "PYTHONPLATLIBDIR",
      // Where XLA and others look for the toolkit.
      "CUDA_HOME",
      "CUDA_PATH",
      "CUDA_DIR",
      "CUDA_ROOT",
      "CUDNN_PATH",
      // The driver's own switches (CUDA C++ Programming Guide, "CUDA Environment Variables").
      "CUDA_CACHE_DISABLE",
      "CUDA_CACHE_MAXSIZE",
      "CUDA_CACHE_PATH",
      "CUDA_FORCE_PTX_JIT",
      "CUDA_DISABLE_PTX_JIT",
      "CUDA_FORCE_JIT",
      "CUDA_DISABLE_JIT",
      "CUDA_LAUNCH_BLOCKING",
      "CUDA_MODULE_LOADING",
      "CUDA_DEVICE_MAX_CONNECTIONS",
      "CUDA_MANAGED_FORCE_DEVICE_ALLOC",
      "CUDA_MPS_PIPE_DIRECTORY",
      "CUDA_MPS_LOG_DIRECTORY",
      "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
      "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT",
      "CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING",
      "NVIDIA_TF32_OVERRIDE",
      // TensorFlow, XLA and Keras.
      "TF_FORCE_GPU_ALLOW_GROWTH",
      "TF_GPU_ALLOCATOR",
      "TF_CUDA_MALLOC_ASYNC_SUPPORTED_PREALLOC",
      "TF_FORCE_UNIFIED_MEMORY",
      "TF_GPU_HOST_MEM_LIMIT_IN_MB",
      "TF_DEVICE_MIN_SYS_MEMORY_IN_MB",
      "TF_ENABLE_GPU_GARBAGE_COLLECTION",
      "TF_GPU_THREAD_MODE",
      "TF_GPU_THREAD_COUNT",
      "TF_MIN_GPU_MULTIPROCESSOR_COUNT",
      "TF_SYNC_ON_FINISH",
      "TF_PER_DEVICE_MEMORY_LIMIT_MB",
      "TF_XLA_FLAGS",
      "XLA_FLAGS",
      "TF_DISABLE_JIT",
      "TF_DISABLE_MLIR_BRIDGE",
      "TF_ENABLE_ONEDNN_OPTS",
      "TF_DETERMINISTIC_OPS",
      "TF_CUDNN_DETERMINISTIC",
      "TF_CUDNN_USE_AUTOTUNE",
      "TF_CUDNN_USE_FRONTEND",
      "TF_CUDNN_USE_RUNTIME_FUSION",
      "TF_CUDNN_RESET_RND_GEN_STATE",
      "TF_CUDNN_WORKSPACE_LIMIT_IN_MB",
      "TF_AUTOTUNE_THRESHOLD",
      "TF_ENABLE_CUBLAS_TENSOR_OP_MATH_FP32",
      "TF_ENABLE_CUDNN_TENSOR_OP_MATH_FP32",
      "TF_ENABLE_AUTO_MIXED_PRECISION",
      "TF_USE_LEGACY_KERAS",
      "KERAS_BACKEND",
      "KERAS_HOME",
      // What TensorFlow writes to its log.
      "TF_CPP_MIN_LOG_LEVEL",
      "TF_CPP_MAX_VLOG_LEVEL",
      "TF_CPP_VMODULE",
      "TF_CPP_LOG_THREAD_ID",
  };
  return names;
}

const Fact<std::string>& Environment::Variable(const std::string& name) const {
  static const Fact<std::string> unknown = Fact<std::string>::Unknown("this variable was not read", {});
  const auto* known = variables.Get();  // notes `variables` itself where nothing is known
  if (known == nullptr) return unknown;
  auto found = known->find(name);
  return found == known->end() ? unknown : found->second;
}

}  // namespace tfdoctor
