// What a log and statements show of a cause. A machine is judged by facts that are read or not; a log by
// messages that were printed and by what people state. So a cause may have a second, small judgement for
// them, Rule::log: it names the messages that prove the cause (Proves), and those that speak for or against
// it among its rivals (Speaks).
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/rule.h"

namespace tfdoctor {

// What the rules ask about log and statements, put in order once for all of them.
class LogStory {
 public:
  LogStory(const Facts& facts, const Knowledge& knowledge);

  const Facts& facts;
  const Knowledge& knowledge;

  bool Saw(std::string_view id) const { return Message(id) != nullptr; }
  // Seen, or nobody could read whether it was: where it is missing for certain is !MaySee.
  bool MaySee(std::string_view id) const;
  bool SawAny(std::initializer_list<std::string_view> ids) const;
  // Any message of this kind.
  bool Saw(Shows kind) const { return (shown_ >> static_cast<unsigned>(kind) & 1) != 0; }
  const SeenMessage* Message(std::string_view id) const;
  // What stood in a hole: of the last line, and all different values. Empty: nothing.
  std::string Field(std::string_view id, const std::string& name) const;
  std::vector<std::string> Fields(std::string_view id, const std::string& name) const;
  // Any field of this name holds this text.
  bool FieldHas(std::string_view id, const std::string& name, std::string_view part) const;

  // Of a statement, in lower case; empty: not stated. What people say in words of their own, a saying of the
  // data recognises: Saw("says-suspend").
  std::string Stated(const std::string& key) const;
  // What is stated under all keys that contain this, in lower case and joined: "nvidia-smi" -> "command not
  // found".
  std::string StatedLike(std::string_view key_part) const;
  bool Mentions(const std::string& key, std::string_view part) const {
    return Stated(key).find(part) != std::string::npos;
  }

  // --- in short
  bool windows = false;  // natively
  bool wsl = false;
  bool mac = false;
  bool linux_known = false;
  bool aarch64 = false;
  bool container = false;
  bool conda = false;  // installed with it
  bool pip = false;
  bool and_cuda = false;   // pip's extra
  std::string tensorflow;  // "2.15.1"; empty: not known, or several are named
  std::string python;
  std::string driver;
  std::string cuda;  // of the toolkit or image as stated, not the driver's
  std::string cudnn;
  std::string capability;  // of the (first) GPU: "8.9"
  std::string gpu_name;
  bool no_gpu_stated = false;  // none of NVIDIA
  int gpu_count = -1;          // as stated; -1: not said
  bool gpu_registered = false;
  bool gpu_seen = false;  // something shows that a GPU is there: stated, listed by nvidia-smi or the driver
  bool smi_works = false;
  bool other_framework = false;  // the report is about another program than TensorFlow
  bool trouble = false;          // a message that is no harmless one
  bool harmless = false;         // a message that looks bad and is not
  bool cuinit_failed = false;
  // Nothing was printed that is wrong, and no GPU is used: what is stated is all there is.
  bool only_stated = false;

  // "2.10" <= tensorflow
  bool From(std::string_view version) const;
  bool Before(std::string_view version) const;

  // Keys of what is stated that were asked for.
  const std::set<std::string>& asked() const { return asked_; }

 private:
  const std::map<std::string, std::string>* statements_;  // never null
  mutable std::set<std::string> asked_;
  uint32_t shown_ = 0;  // as MessageRow::shows, of all messages
};

class Signs {
 public:
  explicit Signs(const LogStory& s) : story(s) {}

  const LogStory& story;

  // The cause is what this message says; nothing if the log has no such message.
  Signs& Proves(std::string_view id);
  // The message speaks for the cause, or against it.
  Signs& Speaks(std::string_view id, Strength strength);
  // A statement does; nothing if `condition` is false. `key`: of the statement, or the id of the saying in
  // it.
  Signs& States(bool condition, const std::string& key, std::string text, Strength strength);
  Signs& StatesProof(bool condition, const std::string& key, std::string text);
  // Something else that was worked out from several of them.
  Signs& That(bool condition, std::string text, Strength strength);
  Signs& ThatProves(bool condition, std::string text);
  // The answer would be surer with this fact: it becomes a question.
  Signs& Wants(const FactBase& fact);

  // Another cause is what happened: whatever was found, this one is not worth a word, nor a guess.
  void Drop() { dropped_ = true; }
  bool dropped() const { return dropped_; }
  // In words for this case.
  void Title(std::string text) { title_ = std::move(text); }
  void Reason(std::string text) { reason_ = std::move(text); }
  // Here the cause does less harm than its rule says.
  void Lesser(Effect effect) { effect_ = effect; }
  void Repair(Fix fix) { fixes_.push_back(std::move(fix)); }

  bool any() const { return !evidence_.empty(); }
  Verdict Take() &&;

 private:
  std::vector<Evidence> evidence_;
  std::vector<Fix> fixes_;
  std::string title_, reason_;
  std::optional<Effect> effect_;
  bool proven_ = false;
  bool dropped_ = false;
};

}  // namespace tfdoctor
