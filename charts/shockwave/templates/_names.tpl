{{/*
Names and labels. They are those of the ingress-nginx chart, so that an
upgrade of one of its releases patches the objects in place.
*/}}

{{/* The controller value of ingress-nginx marks a release that takes its place. */}}
{{- define "shockwave.name" -}}
{{- $taken := eq (toString .Values.controller.ingressClassResource.controllerValue) "k8s.io/ingress-nginx" -}}
{{- default (ternary "ingress-nginx" .Chart.Name $taken) .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "shockwave.fullname" -}}
{{- $name := include "shockwave.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "shockwave.controller.fullname" -}}
{{- printf "%s-%s" (include "shockwave.fullname" .) (default "controller" .Values.controller.name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "shockwave.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* The Lease, as the command line names it: the Role gives rights to no other. */}}
{{- define "shockwave.electionID" -}}
{{- $flag := get (.Values.controller.extraArgs | default dict) "election-id" -}}
{{- coalesce $flag .Values.controller.electionID (printf "%s-leader" (include "shockwave.fullname" .)) -}}
{{- end -}}

{{- define "shockwave.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "shockwave.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "shockwave.selectorLabels" -}}
app.kubernetes.io/name: {{ include "shockwave.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "shockwave.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "shockwave.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "shockwave.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "shockwave.controller.labels" -}}
{{ include "shockwave.labels" . }}
app.kubernetes.io/component: controller
{{- with .Values.controller.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The name of the port of a TCP or UDP service. Takes a list of root, port and protocol. */}}
{{- define "shockwave.streamPort" -}}
{{- with (index . 0).Values.portNamePrefix }}{{ . }}-{{ end }}{{ index . 1 }}-{{ index . 2 }}
{{- end -}}

{{/*
The image. The values of an ingress-nginx release name ingress-nginx's image
until they are changed; ours is meant then.
*/}}
{{- define "shockwave.image" -}}
{{- $image := .Values.controller.image -}}
{{- $repository := printf "%s/%s" $image.registry $image.image -}}
{{- $tag := $image.tag -}}
{{- $digest := $image.digest -}}
{{- if $image.repository -}}
{{- $repository = $image.repository -}}
{{- end -}}
{{- if hasSuffix "ingress-nginx/controller" $repository -}}
{{- $repository = "ghcr.io/shockwave-ingress/shockwave" -}}
{{- $tag = "" -}}
{{- $digest = "" -}}
{{- end -}}
{{- $repository }}:{{ default .Chart.AppVersion $tag }}{{ with $digest }}@{{ . }}{{ end -}}
{{- end -}}
