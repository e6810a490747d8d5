package process

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHierarchies(t *testing.T) {
	const (
		unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
		other   = "25 30 0:23 / /proc rw,relatime shared:14 - proc proc rw\nnonsense\n\n"
	)
	for name, c := range map[string]struct {
		mounts, groups string
		want           []string
	}{
		"version 2": {
			other + unified, "0::/system.slice/agentry.service\n",
			[]string{"/sys/fs/cgroup/system.slice/agentry.service v2 "},
		},
		"a container that sees its own alone": {
			unified, "0::/\n", []string{"/sys/fs/cgroup v2 "},
		},
		"outside of what is mounted": {
			"30 23 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/12\n", nil,
		},
		"inside of what is mounted": {
			"30 23 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/1/in\n", []string{"/sys/fs/cgroup/in v2 "},
		},
		"version 1, some together": {
			"31 30 0:27 / /c/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n32 30 0:28 / /c/pids rw - cgroup cgroup rw,pids\n" +
				"33 30 0:29 / /c/memory,x rw - cgroup cgroup rw,seclabel,memory,x\n34 30 0:30 / /c/devices rw - cgroup cgroup rw,devices\n" +
				"35 30 0:31 / /c/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
			"5:cpu,cpuacct:/a\n4:pids:/b\n3:x,memory:/\n2:devices:/d\n1:name=systemd:/e\n",
			[]string{"/c/pids/b v1 pids", "/c/memory,x v1 memory"},
		},
		"both": {
			"32 30 0:28 / /c/pids rw - cgroup cgroup rw,pids\n33 30 0:29 / /c/unified rw - cgroup2 cgroup2 rw\n",
			"4:pids:/b\n0::/a\n",
			[]string{"/c/pids/b v1 pids", "/c/unified/a v2 "},
		},
		"groups that begin without processors": {
			"32 30 0:28 / /c/x rw - cgroup cgroup rw,cpuset,memory\n", "4:cpuset,memory:/b\n", nil,
		},
		"mounted twice": {unified + strings.Replace(unified, "/sys/fs/", "/mnt/", 1), "0::/a\n", []string{"/sys/fs/cgroup/a v2 "}},
		"an odd name":   {strings.Replace(unified, "/sys/fs/", `/m\040t/`, 1), "0::/a\n", nil},
		"nothing":       {"", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, h := range parseHierarchies(c.mounts, c.groups) {
				got = append(got, h.base+map[bool]string{true: " v2 ", false: " v1 "}[h.unified]+strings.Join(h.controllers, ","))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A run is in a group of its own from its first instruction, and the server is
// not.
func TestOneGroupForEachRun(t *testing.T) {
	d := newDriver(t)
	if len(d.groups.all) == 0 {
		t.Log("this machine allows no control groups")
		return
	}
	spec, out := script(t, "cat /proc/self/cgroup; exec sleep 1000")
	spec.Kind.Limits.Pids = 50
	p := start(t, d, spec)
	name := filepath.Join(d.groups.name, p.(*child).key.String())
	eventually(t, "its group", func() bool { return out.has(name) })
	for _, h := range d.groups.all {
		made := slices.Contains(words(filepath.Join(h.home, p.(*child).key.String()), procsFile), pidText(p))
		if want := h.unified || h.has(pidsGroup); made != want {
			t.Errorf("in a group of %s: %v, want %v", h.mount, made, want)
		}
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil || strings.Contains(string(own), d.groups.name) {
		t.Errorf("the server is in %s, %v", own, err)
	}
	stop(t, p, time.Second)
	if left := d.groups.stale(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func pidText(p interface{ Handle() string }) string {
	pid, _, _ := strings.Cut(p.Handle(), ":")
	return pid
}

func TestTwoDriversOfOneInstallation(t *testing.T) {
	d := newDriver(t)
	spec, _ := script(t, "exec sleep 1000")
	p := start(t, d, spec)
	again, err := New(Config{Instance: d.instance, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Reap(t.Context(), nil); err != nil {
		t.Error(err)
	}
	waitDone(t, p)
}

func TestGroupsOfServersThatAreGone(t *testing.T) {
	d := newDriver(t)
	for _, h := range d.groups.all {
		other := filepath.Join(h.base, homePrefix+"gone-"+d.instance)
		if err := os.MkdirAll(filepath.Join(other, "a.1"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { removeTree(other) })
		d.groups.tidy(time.Now())
		if _, err := os.Stat(filepath.Join(other, "a.1")); err != nil {
			t.Errorf("a new group is taken for an old one: %v", err)
		}
		d.groups.tidy(time.Now().Add(2 * tidyAge))
		if _, err := os.Stat(other); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", other, err)
		}
		// Another server may think the same of ours.
		if err := os.Remove(h.home); err != nil {
			t.Error(err)
		}
	}
	spec, _ := script(t, "exit 3")
	spec.Kind.Limits.Pids = 10
	if exit := waitDone(t, start(t, d, spec)); exit.Code != 3 {
		t.Errorf("exit %+v", exit)
	}
}
