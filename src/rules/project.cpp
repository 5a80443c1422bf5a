#include "rules/project.h"

#include <set>

#include "base/text.h"

namespace tfdoctor {

namespace {

WantedRelease Read(const Fact<std::string>& fact) {
  WantedRelease wanted;
  wanted.fact = &fact;
  const std::string& text = *fact.Peek();
  size_t end = text.find_first_of("[<>=!~");
  wanted.name = text.substr(0, end);
  size_t close = text.find(']');
  if (end != std::string::npos && text[end] == '[' && close != std::string::npos) {
    wanted.and_cuda = text.substr(end, close - end).find("and-cuda") != std::string::npos;
    end = close + 1;
  }
  if (end < text.size()) wanted.specifiers = text.substr(end);
  return wanted;
}

// "2.15.0.post1" -> 1; -1: none.
int PostOf(std::string_view version) {
  const size_t post = version.find(".post");
  return post == std::string_view::npos ? -1 : MajorVersion(version.substr(post + 5));
}

}  // namespace

WantedReleases Wanted(const Facts& facts) {
  WantedReleases releases;
  const auto* unread = facts.project.unread.Get();
  if (unread != nullptr && !unread->empty()) releases.unread = &facts.project.unread;
  const auto* wanted = facts.project.wanted.Get();
  auto add = [&](bool locked) {
    if (wanted == nullptr) return;
    std::set<std::string> seen;
    for (const auto& [where, one] : *wanted) {
      if (one.locked.Is(true) != locked) continue;
      const std::string* requirement = one.requirement.Get();
      if (requirement != nullptr && seen.insert(*requirement).second)
        releases.all.push_back(Read(one.requirement));
    }
  };
  add(true);
  if (releases.all.empty()) add(false);
  if (releases.all.empty()) releases.all.emplace_back();
  return releases;
}

bool Fits(const std::string& version, const std::string& specifiers) {
  for (const std::string& part : Split(specifiers, ',')) {
    std::string_view text = Trim(part);
    size_t digit = text.find_first_of("0123456789");
    if (digit == std::string_view::npos) continue;
    std::string_view op = Trim(text.substr(0, digit));
    std::string bound(text.substr(digit));
    if (bound.ends_with(".*")) {
      std::string start = bound.substr(0, bound.size() - 1);
      bool within = (version + ".").starts_with(start);
      if (within != (op == "==")) return false;
      continue;
    }
    int order = CompareVersions(version, bound);
    const int post = PostOf(version);
    // 2.15.0.post1 comes after 2.15.0, but is not ">2.15.0" (PEP 440).
    if (order == 0 && op == ">" && PostOf(bound) < 0) return false;
    if (order == 0) order = post - PostOf(bound);
    if (op == "~=") {
      std::string start = bound.substr(0, bound.rfind('.') + 1);
      if (order < 0 || !(version + ".").starts_with(start)) return false;
      continue;
    }
    if (((op == "==" || op == "===") && order != 0) || (op == "!=" && order == 0) ||
        (op == ">=" && order < 0) || (op == "<=" && order > 0) || (op == ">" && order <= 0) ||
        (op == "<" && order >= 0)) {
      return false;
    }
  }
  return true;
}

std::string PythonTag(const Facts& facts) {
  const std::string* version = facts.python.version.Get();
  if (version == nullptr) return {};
  std::vector<std::string> parts = Split(*version, '.');
  return parts.size() < 2 ? std::string() : "cp" + parts[0] + parts[1];
}

int MinorOf(std::string_view tag) {
  if (!tag.starts_with("cp3") || tag.size() < 4 || tag.size() > 6) return 0;
  int minor = 0;
  for (char c : tag.substr(3)) {
    if (c >= '0' && c <= '9') minor = minor * 10 + (c - '0');
  }
  return minor;
}

}  // namespace tfdoctor
