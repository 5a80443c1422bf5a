// What tells which container engine a process runs under.
#pragma once

#include <string>
#include <string_view>

namespace tfdoctor {

// The engine that a line of /proc/PID/cgroup names: "/docker/0a1b…", "/system.slice/docker-0a1b….scope",
// "/kubepods.slice/…"; not "/system.slice/docker.service", where the daemon itself runs. Empty: none.
std::string EngineOfControlGroup(std::string_view cgroup);

// The engine whose storage the root of this process's files lies in, by /proc/self/mountinfo (proc(5)):
// "overlay / overlay rw,lowerdir=/var/lib/containers/storage/overlay/…". Empty: none.
std::string EngineOfRoot(std::string_view mountinfo);
// The root is the whole of a disk or partition: "254:0 / / rw - ext4 /dev/vda rw". An engine mounts a layer
// of its storage instead, or a folder of the host's disk (then the first path is not "/").
bool RootIsOwnDisk(std::string_view mountinfo);
// That storage belongs to Docker as a snap.
bool RootIsOfSnap(std::string_view mountinfo);

}  // namespace tfdoctor
