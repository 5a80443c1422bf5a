// What an experiment means for the diagnosis. Pure functions.
#pragma once

#include "diagnose/diagnosis.h"
#include "diagnose/proof.h"

namespace tfdoctor {

// `predicted`: what the machine alone let us expect; `diagnosis`: the same with what TensorFlow printed. What
// was computed on the GPU, or failed there, decides the verdict; a run on the CPU says nothing of the GPU.
// Fills proof.disagreement.
void JudgeProof(const Diagnosis& predicted, Diagnosis& diagnosis, Proof& proof);

// 0: all that was asked passed; 1: a step failed; where nothing could be run, what the verdict says.
int ExitStatus(const Proof& proof, const Diagnosis& diagnosis);

}  // namespace tfdoctor
