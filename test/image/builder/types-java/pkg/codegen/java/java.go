// Package java has what the docker-build plugin says to Pulumi's generator of Java SDKs. That generator is no part of what the
// plugin does, and its module isn't served everywhere.
package java

type PackageInfo struct {
	BuildFiles                      string
	GradleNexusPublishPluginVersion string
	Dependencies                    map[string]string
}
