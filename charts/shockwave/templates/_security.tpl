{{/*
Security contexts. The process runs as an ordinary user, so NET_BIND_SERVICE
never becomes effective (Kubernetes has no ambient capabilities, and the image
has no file capabilities). Ports below 1024 are therefore opened by the safe
sysctl net.ipv4.ip_unprivileged_port_start of the pod's network namespace. A
pod in the node's network namespace may not set it.
*/}}

{{/* "true" when a port below 1024 is listened on. */}}
{{- define "shockwave.lowPorts" -}}
{{- $low := false -}}
{{- range .Values.controller.containerPort -}}
{{- if lt (int .) 1024 -}}{{- $low = true -}}{{- end -}}
{{- end -}}
{{- range $protocol := list "tcp" "udp" -}}
{{- range $port, $service := get $.Values $protocol -}}
{{- if lt (int $port) 1024 -}}{{- $low = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $low -}}true{{- end -}}
{{- end -}}

{{- define "shockwave.runAsUser" -}}
{{- $user := .Values.controller.image.runAsUser -}}
{{- if kindIs "invalid" $user -}}65532{{- else -}}{{- int64 $user -}}{{- end -}}
{{- end -}}

{{- define "shockwave.podSecurityContext" -}}
{{- $c := .Values.controller -}}
{{- $root := eq (include "shockwave.runAsUser" .) "0" -}}
{{- $context := dict "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- $_ := set $context "runAsNonRoot" (not $root) -}}
{{- $sysctls := deepCopy ($c.sysctls | default dict) -}}
{{- if and (include "shockwave.lowPorts" .) (not $c.hostNetwork) (not $root) -}}
{{- $sysctls = merge $sysctls (dict "net.ipv4.ip_unprivileged_port_start" "0") -}}
{{- end -}}
{{- if $sysctls -}}
{{- $list := list -}}
{{- range $name, $value := $sysctls -}}
{{- $list = append $list (dict "name" $name "value" (toString $value)) -}}
{{- end -}}
{{- $_ := set $context "sysctls" $list -}}
{{- end -}}
{{- if and (include "shockwave.lowPorts" .) $c.hostNetwork (not $root) (not $c.containerSecurityContext) -}}
{{- fail "\n\ncontroller.hostNetwork with ports below 1024: an ordinary user may not listen on them there.\nSet controller.containerPort.http and .https, and the ports in tcp and udp, to 1024 or above, or controller.image.runAsUser=0 (all capabilities but NET_BIND_SERVICE stay dropped)." -}}
{{- end -}}
{{- toYaml (mergeOverwrite $context (deepCopy ($c.podSecurityContext | default dict))) -}}
{{- end -}}

{{- define "shockwave.containerSecurityContext" -}}
{{- if .Values.controller.containerSecurityContext -}}
{{- toYaml .Values.controller.containerSecurityContext -}}
{{- else -}}
allowPrivilegeEscalation: false
capabilities:
  add:
    - NET_BIND_SERVICE
  drop:
    - ALL
readOnlyRootFilesystem: true
runAsNonRoot: {{ ne (include "shockwave.runAsUser" .) "0" }}
runAsUser: {{ include "shockwave.runAsUser" . }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- end -}}
